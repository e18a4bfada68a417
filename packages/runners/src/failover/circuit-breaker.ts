import { checkDuration, checkLimit } from '@stratagem/core';

/** When a runner that keeps failing is left alone, and when it is tried again. */
export interface BreakerOptions {
  /**
   * After so many failures in a row a runner is left alone; `Infinity` for never. What is wrong
   * with one task alone (`refused`, `truncated`, `invalid_output`, …) is no such failure.
   * @default 5
   */
  readonly openAfter?: number;
  /**
   * After so many milliseconds one request tries whether it works again.
   * @default 30_000
   */
  readonly halfOpenAfterMs?: number;
}

export const BREAKER_OPTIONS: readonly (keyof BreakerOptions)[] = ['openAfter', 'halfOpenAfterMs'];

export type BreakerSettings = Required<BreakerOptions>;

/** @throws {OptionError} when one is out of range. */
export function breakerSettings(owner: string, options: BreakerOptions): BreakerSettings {
  const { openAfter = 5, halfOpenAfterMs = 30_000 } = options;
  checkLimit(owner, 'openAfter', openAfter);
  checkDuration(owner, 'halfOpenAfterMs', halfOpenAfterMs);
  return { openAfter, halfOpenAfterMs };
}

/** While one request tries whether it works again, nobody knows how long that takes. */
const PROBE_MS = 1_000;

/** Under which circumstances a request was sent. */
export interface Mark {
  readonly era: number;
}

/**
 * Closed while all is well, open after failures in a row, half-open when it is time to try again:
 * then one request goes through, and its end decides. Times are in milliseconds, and always given.
 */
export class CircuitBreaker {
  readonly #settings: BreakerSettings;
  #failures = 0;
  /** Infinitely long ago while closed. */
  #openUntil = Number.NEGATIVE_INFINITY;
  #isOpen = false;
  /** Requests in flight that were sent although it is open. */
  #probes = 0;
  /** Rises whenever it opens or closes: the end of what was sent before is no news. */
  #era = 0;

  constructor(settings: BreakerSettings) {
    this.#settings = settings;
  }

  /** Failures in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** How long until a request may be sent; 0 for now. */
  waitMs(now: number): number {
    if (!this.#isOpen) return 0;
    if (now < this.#openUntil) return this.#openUntil - now;
    return this.#probes > 0 ? Math.min(PROBE_MS, this.#settings.halfOpenAfterMs) : 0;
  }

  /** A request is sent; its end must be told. */
  begin(): Mark {
    if (this.#isOpen) this.#probes++;
    return { era: this.#era };
  }

  /** @param worked Undefined when its end tells nothing. */
  ended({ era }: Mark, worked: boolean | undefined, now: number): void {
    if (era !== this.#era) return;
    if (this.#isOpen) this.#probes--;
    if (worked === undefined) return;
    this.#failures = worked ? 0 : this.#failures + 1;
    // While it is open they are still as many as it took.
    const opens = this.#failures >= this.#settings.openAfter;
    if (!opens && !this.#isOpen) return;
    this.#isOpen = opens;
    this.#openUntil = now + this.#settings.halfOpenAfterMs;
    this.#probes = 0;
    this.#era++;
  }
}
