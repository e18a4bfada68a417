import { hashUnit } from '../util/hash.js';
import type { AttemptErrorCode } from './errors.js';

/** How failed attempts are repeated: exponential backoff with full jitter. */
export interface RetryPolicy {
  /**
   * The maximum number of attempts, the first included; 1 for no repetition.
   * @default 3
   */
  readonly maxAttempts?: number | undefined;
  /**
   * The longest wait before the second attempt, in milliseconds.
   * @default 500
   */
  readonly initialDelayMs?: number | undefined;
  /**
   * The longest wait before any attempt, in milliseconds, unless the server asks for more.
   * @default 30_000
   */
  readonly maxDelayMs?: number | undefined;
  /**
   * The factor by which the longest wait grows from attempt to attempt.
   * @default 2
   */
  readonly factor?: number | undefined;
  /**
   * The errors after which to try again.
   * @default rate_limited, overloaded, server_error, timeout, connection
   */
  readonly on?: readonly AttemptErrorCode[] | undefined;
}

/** Errors that are likely to go away. */
export const TRANSIENT_ERROR_CODES: readonly AttemptErrorCode[] = [
  'rate_limited',
  'overloaded',
  'server_error',
  'timeout',
  'connection',
];

/** The facts about a failed attempt that decide on a retry. */
export interface FailedAttempt {
  readonly taskId: string;
  /** 1 for the first try. */
  readonly attempt: number;
  readonly code: AttemptErrorCode;
  /** The wait that the server asked for. */
  readonly retryAfterMs: number | undefined;
  /** Whether the server asked to try again, or not to. */
  readonly isRetryable?: boolean | undefined;
}

/** The maximum number of attempts at a task, the first included. */
export function maxAttemptsOf(policy: RetryPolicy | undefined): number {
  return policy?.maxAttempts ?? 3;
}

/**
 * The wait before the next attempt, in milliseconds; undefined when there is no next attempt. The
 * wait is random, from 0 up to the backoff, so that tasks that failed together do not return
 * together. It is never shorter than the wait that the server asked for.
 *
 * @param seed The same seed gives the same waits.
 */
export function retryDelay(
  policy: RetryPolicy | undefined,
  { taskId, attempt, code, retryAfterMs = 0, isRetryable }: FailedAttempt,
  seed: number,
): number | undefined {
  // An undefined field counts as left out.
  const { initialDelayMs = 500, maxDelayMs = 30_000 } = policy ?? {};
  const { factor = 2, on } = policy ?? {};
  const isExpected = on?.includes(code) ?? (isRetryable || TRANSIENT_ERROR_CODES.includes(code));
  if (attempt >= maxAttemptsOf(policy) || isRetryable === false || !isExpected) return undefined;
  // After many attempts the power is infinite, and 0 × Infinity is NaN.
  const backoff = initialDelayMs === 0 ? 0 : initialDelayMs * factor ** (attempt - 1);
  const longest = Math.min(maxDelayMs, backoff);
  return Math.max(retryAfterMs, longest * hashUnit(`${taskId}\n${attempt}`, seed));
}
