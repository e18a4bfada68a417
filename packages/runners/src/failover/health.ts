import { type AttemptErrorCode, type RateLimits, TRANSIENT_ERROR_CODES } from '@stratagem/core';
import { type BreakerSettings, CircuitBreaker, type Mark } from './circuit-breaker.js';
import { codeOf, detailsOf, messageOf } from './combined-error.js';

/** Why a runner is left alone, and for how long. */
export interface Obstacle {
  readonly waitMs: number;
  /** What an attempt fails with for which there is no other runner. */
  readonly code: AttemptErrorCode;
  readonly why: string;
}

/** Failures that any other task would meet as well. */
const SICK: readonly AttemptErrorCode[] = [
  'task_failed',
  'missing_api_key',
  'authentication',
  'permission_denied',
  'insufficient_quota',
  'not_found',
  ...TRANSIENT_ERROR_CODES,
];

/**
 * Whether a runner can be expected to answer: its circuit breaker, and the time for which it asked
 * to be left alone. Times are in milliseconds, and always given.
 */
export class Health {
  readonly #breaker: CircuitBreaker;
  #pausedUntil = Number.NEGATIVE_INFINITY;
  #pausedBy: AttemptErrorCode = 'rate_limited';
  #exhaustedUntil = Number.NEGATIVE_INFINITY;
  #lastFailure: { code: AttemptErrorCode; message: string } = { code: 'task_failed', message: '' };

  constructor(settings: BreakerSettings) {
    this.#breaker = new CircuitBreaker(settings);
  }

  /** How long until it can be expected to answer; 0 for now. */
  waitMs(now: number): number {
    const paused = Math.max(this.#pausedUntil, this.#exhaustedUntil) - now;
    return Math.max(0, paused, this.#breaker.waitMs(now));
  }

  /** Why it is to be left alone; undefined when it is not. */
  obstacle(now: number): Obstacle | undefined {
    const waitMs = this.waitMs(now);
    if (waitMs === 0) return undefined;
    if (this.#breaker.waitMs(now) < waitMs) {
      return { waitMs, code: this.#pausedBy, why: `as it asked to (${this.#pausedBy})` };
    }
    const { code, message } = this.#lastFailure;
    const { failures } = this.#breaker;
    const count = failures === 1 ? 'a failure' : `${failures} failures in a row`;
    return {
      waitMs,
      // Once it works again, a wait was all it took.
      code: TRANSIENT_ERROR_CODES.includes(code) ? 'overloaded' : code,
      why: `after ${count} (${code}: ${message})`,
    };
  }

  /** A request is sent; its end must be told. */
  begin(): Mark {
    return this.#breaker.begin();
  }

  worked(mark: Mark, now: number): void {
    this.#breaker.ended(mark, true, now);
  }

  /** @param signal The attempt's: when it was aborted, its reason is why the request failed. */
  failed(mark: Mark, thrown: unknown, signal: AbortSignal, now: number): void {
    const cause = signal.aborted ? signal.reason : thrown;
    const code = codeOf(cause);
    // Whoever stops a run says nothing about its runners; a time limit that is over does.
    const isNews = signal.aborted ? code === 'timeout' : code !== 'aborted';
    const isSick = isNews && SICK.includes(code);
    const retryAfterMs = isSick ? retryAfterOf(cause) : undefined;
    if (isSick) this.#lastFailure = { code, message: messageOf(cause) };
    if (retryAfterMs !== undefined && now + retryAfterMs > this.#pausedUntil) {
      this.#pausedUntil = now + retryAfterMs;
      this.#pausedBy = code;
    }
    // One that says when to come back is believed, and not counted.
    const worked = isNews && retryAfterMs === undefined ? !isSick : undefined;
    this.#breaker.ended(mark, worked, now);
  }

  /** What a server said of its limits: where nothing is left, the next request is one too many. */
  announced(limits: RateLimits | undefined, now: number): void {
    // Runners of one's own may hand on anything.
    const known = Object.values(limits ?? {}).filter((limit) => Number.isFinite(limit?.remaining));
    if (known.length === 0) return;
    const resets = known.map(({ remaining, resetMs }) => (remaining < 1 ? resetMs : 0));
    this.#exhaustedUntil = now + Math.max(...resets.filter(Number.isFinite), 0);
  }
}

function retryAfterOf(thrown: unknown): number | undefined {
  const { retryAfterMs } = detailsOf(thrown);
  const isTime = Number.isFinite(retryAfterMs) && (retryAfterMs as number) > 0;
  return isTime ? retryAfterMs : undefined;
}
