import { checkDuration, checkLimit } from '@stratagem/core/runner';

/** When a failing runner is skipped, and when it is tried again. */
export interface BreakerOptions {
  /**
   * The number of consecutive failures after which a runner is skipped; `Infinity` for never.
   * Failures that concern one task alone (`refused`, `truncated`, `invalid_output`, …) do not count.
   * @default 5
   */
  readonly failureThreshold?: number | undefined;
  /**
   * After this many milliseconds, one request probes whether the runner works again.
   * @default 30_000
   */
  readonly resetTimeoutMs?: number | undefined;
}

export const BREAKER_OPTIONS: readonly (keyof BreakerOptions)[] = [
  'failureThreshold',
  'resetTimeoutMs',
];

export type BreakerSettings = Required<BreakerOptions>;

/** @throws {OptionError} when an option is out of range. */
export function breakerSettings(owner: string, options: BreakerOptions): BreakerSettings {
  const { failureThreshold = 5, resetTimeoutMs = 30_000 } = options;
  checkLimit(owner, 'failureThreshold', failureThreshold);
  checkDuration(owner, 'resetTimeoutMs', resetTimeoutMs);
  return { failureThreshold, resetTimeoutMs };
}

/** The wait to report during a probe, whose duration is unknown. */
const PROBE_MS = 1_000;

/** Identifies a request, to be passed to {@link CircuitBreaker.recordEnd}. */
export interface BreakerTicket {
  /** The breaker's epoch when the request was sent. */
  readonly epoch: number;
}

/**
 * Closed while requests succeed, open after consecutive failures, half-open after the reset timeout.
 * While half-open, one probe request goes through, and its end decides.
 * All times are in milliseconds; the caller passes the current time.
 */
export class CircuitBreaker {
  readonly #settings: BreakerSettings;
  #failures = 0;
  #openUntil = Number.NEGATIVE_INFINITY;
  #isOpen = false;
  /** Requests in flight that were sent while the breaker was open. */
  #probes = 0;
  /** Rises with each opening and closing; requests of an earlier epoch no longer count. */
  #epoch = 0;

  constructor(settings: BreakerSettings) {
    this.#settings = settings;
  }

  /** The number of consecutive failures. */
  get failures(): number {
    return this.#failures;
  }

  /** How long until a request may be sent; 0 for now. */
  waitMs(now: number): number {
    if (!this.#isOpen) return 0;
    if (now < this.#openUntil) return this.#openUntil - now;
    return this.#probes > 0 ? Math.min(PROBE_MS, this.#settings.resetTimeoutMs) : 0;
  }

  recordStart(): BreakerTicket {
    if (this.#isOpen) this.#probes++;
    return { epoch: this.#epoch };
  }

  /** @param isSuccess Undefined when the end says nothing about the runner. */
  recordEnd({ epoch }: BreakerTicket, isSuccess: boolean | undefined, now: number): void {
    if (epoch !== this.#epoch) return;
    if (this.#isOpen) this.#probes--;
    if (isSuccess === undefined) return;
    this.#failures = isSuccess ? 0 : this.#failures + 1;
    // The count stays while the breaker is open, so one failed probe opens it again.
    const opens = this.#failures >= this.#settings.failureThreshold;
    if (!opens && !this.#isOpen) return;
    this.#isOpen = opens;
    this.#openUntil = now + this.#settings.resetTimeoutMs;
    this.#probes = 0;
    this.#epoch++;
  }
}
