import { hashUnit } from '../util/hash.js';
import type { AttemptErrorCode } from './errors.js';

/** How failed attempts are repeated: exponential backoff with full jitter. */
export interface RetryPolicy {
  /**
   * The maximum number of attempts, the first included; 1 for no repetition at all. Otherwise an attempt
   * that a busy server refused, and asked to make later, does not count: see `maxRetryAfterMs`.
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
   * The longest wait that a server may ask for (Retry-After), in milliseconds. An attempt that it
   * refuses for longer is not repeated, and other tasks do not wait for that server. A task also fails
   * when the wait would outlast the deadline of the run, or after 1,000 refusals.
   * @default the time until the deadline of the run, or 600_000 without one
   */
  readonly maxRetryAfterMs?: number | undefined;
  /**
   * The factor by which the longest wait grows from attempt to attempt.
   * @default 2
   */
  readonly factor?: number | undefined;
  /**
   * The errors after which to try again.
   * @default rate_limited, overloaded, server_error, timeout, connection; for a function task with a
   * policy of its own also task_failed, which is any error that it throws
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
  /**
   * How often the task was refused before; see {@link isRefusal}.
   * @default 0
   */
  readonly refusals?: number | undefined;
  /**
   * The time until the deadline of the run, in milliseconds.
   * @default Infinity
   */
  readonly leftMs?: number | undefined;
  /** Whether a function failed whose task has a policy of its own: any error that it throws is repeated. */
  readonly isOwnFunction?: boolean | undefined;
}

/** A server that has refused a task so often will not take it: without this, a run might never end. */
const MAX_REFUSALS = 1_000;

/** The longest wait that a server may ask for in a run without a deadline, in milliseconds. */
const DEFAULT_MAX_RETRY_AFTER_MS = 600_000;

/**
 * The longest wait that a server may ask for, in milliseconds.
 *
 * @param leftMs The time until the deadline of the run; Infinity without one.
 */
export function maxRetryAfterOf(policy: RetryPolicy | undefined, leftMs: number): number {
  const usual = Number.isFinite(leftMs) ? leftMs : DEFAULT_MAX_RETRY_AFTER_MS;
  return Math.min(policy?.maxRetryAfterMs ?? usual, leftMs);
}

/** Whether a busy server refused an attempt and said when to come back: no try has been made. */
export function isRefusal({
  code,
  retryAfterMs = 0,
}: {
  readonly code: AttemptErrorCode;
  readonly retryAfterMs?: number | undefined;
}): boolean {
  return (code === 'rate_limited' || code === 'overloaded') && retryAfterMs > 0;
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
  failed: FailedAttempt,
  seed: number,
): number | undefined {
  const {
    taskId,
    attempt,
    code,
    retryAfterMs = 0,
    refusals = 0,
    isRetryable,
    isOwnFunction,
    leftMs = Number.POSITIVE_INFINITY,
  } = failed;
  // An undefined field counts as left out.
  const { initialDelayMs = 500, maxDelayMs = 30_000 } = policy ?? {};
  const { factor = 2, on } = policy ?? {};
  const maxAttempts = maxAttemptsOf(policy);
  const isLast = isRefusal(failed) ? refusals >= MAX_REFUSALS : attempt >= maxAttempts;
  if (maxAttempts === 1 || isLast || isRetryable === false) return undefined;
  const isTransient =
    TRANSIENT_ERROR_CODES.includes(code) || (isOwnFunction && code === 'task_failed');
  const isExpected = on?.includes(code) ?? (isRetryable || isTransient);
  if (!isExpected || retryAfterMs > maxRetryAfterOf(policy, leftMs)) return undefined;
  // After many attempts the power is infinite, and 0 × Infinity is NaN.
  const backoff = initialDelayMs === 0 ? 0 : initialDelayMs * factor ** (attempt - 1);
  const longest = Math.min(maxDelayMs, backoff);
  return Math.max(retryAfterMs, longest * hashUnit(`${taskId}\n${attempt}`, seed));
}

/**
 * Whether a server has answered an attempt, be it with an error; refusals, silence and aborted attempts
 * are no answer.
 */
export function isAnswered(error: { readonly code: AttemptErrorCode } | undefined): boolean {
  return error === undefined || !NO_ANSWER.includes(error.code);
}

const NO_ANSWER: readonly AttemptErrorCode[] = [
  'rate_limited',
  'overloaded',
  'timeout',
  'connection',
  'aborted',
  'canceled',
];
