import type { AttemptErrorCode, RateLimits } from '@stratagem/core';
import { TRANSIENT_ERROR_CODES } from '@stratagem/core/runner';
import { codeOf, detailsOf, messageOf } from '../util/error-details.js';
import { type BreakerSettings, type BreakerTicket, CircuitBreaker } from './circuit-breaker.js';

/** Why a runner is unavailable, and for how long. */
export interface Unavailability {
  readonly waitMs: number;
  /** The error code for an attempt that has no other runner. */
  readonly code: AttemptErrorCode;
  /** Completes the sentence "unavailable for … ms". */
  readonly reason: string;
}

/** Failures that any other task would have as well. */
const RUNNER_FAILURES: readonly AttemptErrorCode[] = [
  'task_failed',
  'missing_api_key',
  'authentication',
  'permission_denied',
  'insufficient_quota',
  'not_found',
  ...TRANSIENT_ERROR_CODES,
];

/**
 * Whether a runner is available: its circuit breaker is closed, it has not asked to wait, and its
 * announced limits are not exhausted.
 * All times are in milliseconds; the caller passes the current time.
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

  /** How long until the runner is available; 0 for now. */
  waitMs(now: number): number {
    const paused = Math.max(this.#pausedUntil, this.#exhaustedUntil) - now;
    return Math.max(0, paused, this.#breaker.waitMs(now));
  }

  /** Why the runner is unavailable; undefined when it is available. */
  unavailability(now: number): Unavailability | undefined {
    const waitMs = this.waitMs(now);
    if (waitMs === 0) return undefined;
    if (this.#breaker.waitMs(now) < waitMs) {
      return { waitMs, code: this.#pausedBy, reason: `at its own request (${this.#pausedBy})` };
    }
    const { code, message } = this.#lastFailure;
    const { failures } = this.#breaker;
    const count = failures === 1 ? 'a failure' : `${failures} failures in a row`;
    return {
      waitMs,
      // The runner may recover, so a task that finds no other runner should be retried later.
      code: TRANSIENT_ERROR_CODES.includes(code) ? 'overloaded' : code,
      reason: `after ${count} (${code}: ${message})`,
    };
  }

  /** To be called when a request is sent; its end must be recorded with the ticket. */
  recordStart(): BreakerTicket {
    return this.#breaker.recordStart();
  }

  recordSuccess(ticket: BreakerTicket, now: number): void {
    this.#breaker.recordEnd(ticket, true, now);
  }

  /** @param signal The signal of the attempt; when aborted, its reason is the cause of the failure. */
  recordFailure(ticket: BreakerTicket, thrown: unknown, signal: AbortSignal, now: number): void {
    const cause = signal.aborted ? signal.reason : thrown;
    const code = codeOf(cause);
    // A canceled run says nothing about the runner, but a timeout does.
    const isConclusive = signal.aborted ? code === 'timeout' : code !== 'aborted';
    const isRunnerFailure = isConclusive && RUNNER_FAILURES.includes(code);
    const retryAfterMs = isRunnerFailure ? retryAfterOf(cause) : undefined;
    if (isRunnerFailure) this.#lastFailure = { code, message: messageOf(cause) };
    if (retryAfterMs !== undefined && now + retryAfterMs > this.#pausedUntil) {
      this.#pausedUntil = now + retryAfterMs;
      this.#pausedBy = code;
    }
    // A failure with a retry time is honoured, and does not count towards the threshold.
    const isSuccess = isConclusive && retryAfterMs === undefined ? !isRunnerFailure : undefined;
    this.#breaker.recordEnd(ticket, isSuccess, now);
  }

  /** Applies the limits that a server announced: an exhausted limit blocks until its reset. */
  applyAnnouncement(limits: RateLimits | undefined, now: number): void {
    // Custom runners may report anything.
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
