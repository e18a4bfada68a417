import { hashUnit } from '../util/hash.js';
import type { AttemptErrorCode } from './errors.js';

/** How failed attempts are repeated: exponential backoff with full jitter. */
export interface RetryPolicy {
  /**
   * The most attempts, the first included; 1 for no repetition.
   * @default 3
   */
  readonly maxAttempts?: number;
  /**
   * The longest wait before the second attempt, in milliseconds.
   * @default 500
   */
  readonly initialDelayMs?: number;
  /**
   * The longest wait before any attempt, in milliseconds, unless the server asks for more.
   * @default 30_000
   */
  readonly maxDelayMs?: number;
  /**
   * What the longest wait is multiplied with from attempt to attempt.
   * @default 2
   */
  readonly factor?: number;
  /**
   * The errors after which it is worth trying again.
   * @default rate_limited, overloaded, server_error, timeout, connection
   */
  readonly on?: readonly AttemptErrorCode[];
}

/** Errors that may be gone a moment later. */
export const TRANSIENT_ERROR_CODES: readonly AttemptErrorCode[] = [
  'rate_limited',
  'overloaded',
  'server_error',
  'timeout',
  'connection',
];

/** Why and when, as far as a decision about a retry goes. */
export interface FailedAttempt {
  readonly taskId: string;
  /** 1 for the first try. */
  readonly attempt: number;
  readonly code: AttemptErrorCode;
  /** How long the server asked to wait. */
  readonly retryAfterMs: number | undefined;
}

/** The most attempts at a task, the first included. */
export function maxAttemptsOf(policy: RetryPolicy | undefined): number {
  return policy?.maxAttempts ?? 3;
}

/**
 * How long to wait before the next attempt, in milliseconds; undefined when there is to be none.
 * The wait is drawn evenly from zero up to the backoff, so that tasks that failed together do not
 * come back together; what the server asked for is obeyed whatever its length.
 *
 * @param seed The same seed gives the same waits.
 */
export function retryDelay(
  policy: RetryPolicy | undefined,
  { taskId, attempt, code, retryAfterMs = 0 }: FailedAttempt,
  seed: number,
): number | undefined {
  // A field that is undefined is a field left out.
  const { initialDelayMs = 500, maxDelayMs = 30_000 } = policy ?? {};
  const { factor = 2, on = TRANSIENT_ERROR_CODES } = policy ?? {};
  if (attempt >= maxAttemptsOf(policy) || !on.includes(code)) return undefined;
  // After many attempts the power is infinite, and zero times that is no number.
  const backoff = initialDelayMs === 0 ? 0 : initialDelayMs * factor ** (attempt - 1);
  const longest = Math.min(maxDelayMs, backoff);
  return Math.max(retryAfterMs, longest * hashUnit(`${taskId}\n${attempt}`, seed));
}
