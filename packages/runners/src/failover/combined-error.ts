import {
  ATTEMPT_ERROR_CODES,
  type AttemptErrorCode,
  describe,
  isStratagemError,
  RunnerError,
  type RunnerErrorDetails,
  TRANSIENT_ERROR_CODES,
} from '@stratagem/core';
import { totalOf } from './usage-total.js';

/** That a runner of several gave no answer. */
export interface Failure {
  /** What to call the runner. */
  readonly runner: string;
  readonly thrown: unknown;
  /** How many requests it took: 0 for one that was passed over. */
  readonly tries: number;
}

/** What went wrong, in the words of attempts. */
export function codeOf(thrown: unknown): AttemptErrorCode {
  const code = isStratagemError(thrown) ? thrown.code : undefined;
  return ATTEMPT_ERROR_CODES.find((each) => each === code) ?? 'task_failed';
}

/** A message can hold a whole answer; here it stands beside others. */
const MAX_MESSAGE = 300;

export function messageOf(thrown: unknown): string {
  const message = isStratagemError(thrown) ? thrown.message : describe(thrown);
  return message.length <= MAX_MESSAGE ? message : `${message.slice(0, MAX_MESSAGE)}…`;
}

/** How many tries a failed request amounted to: a runner inside may have made several. */
export function triesOf(thrown: unknown): number {
  const { tries } = detailsOf(thrown);
  return Number.isInteger(tries) && (tries as number) > 0 ? (tries as number) : 1;
}

export function detailsOf(thrown: unknown): RunnerErrorDetails {
  return isStratagemError(thrown) ? (thrown as RunnerError) : {};
}

/** Whether it may be gone a moment later. */
export function isTransient(thrown: unknown): boolean {
  return TRANSIENT_ERROR_CODES.includes(codeOf(thrown));
}

/**
 * The error for an attempt in which several runners gave no answer: `decisive` says which of them
 * decides on the code, all are in the message and in the cause, and what they used is added up.
 *
 * @param retryAfterMs How long until one of them can be expected to answer.
 */
export function errorOf(
  failures: readonly Failure[],
  decisive: Failure,
  retryAfterMs: number | undefined,
): unknown {
  const [only] = failures;
  if (failures.length === 1 && only !== undefined && only.tries > 0) {
    return withRetryAfter(only.thrown, retryAfterMs);
  }
  const each = failures.map(({ runner, thrown }) => {
    return `"${runner}" (${codeOf(thrown)}): ${messageOf(thrown)}`;
  });
  const message = `no runner gave an answer. ${each.join('; ')}`;
  const { status, requestId, model, rateLimits } = detailsOf(decisive.thrown);
  const thrown = failures.map((failure) => failure.thrown);
  return new RunnerError(codeOf(decisive.thrown), message, {
    cause: new AggregateError(thrown, message),
    ...known({ status, requestId, model, rateLimits, retryAfterMs }),
    ...totalOf(thrown.map(detailsOf)),
    tries: Math.max(
      1,
      failures.reduce((sum, { tries }) => sum + tries, 0),
    ),
  });
}

/** The same error with another time to wait: that of one runner is not that of all. */
export function withRetryAfter(thrown: unknown, retryAfterMs: number | undefined): unknown {
  const details = detailsOf(thrown);
  if (!isStratagemError(thrown) || details.retryAfterMs === retryAfterMs) return thrown;
  const { status, requestId, usage, costUsd, model, rateLimits, tries } = details;
  return new RunnerError(codeOf(thrown), thrown.message, {
    cause: thrown,
    ...known({ status, requestId, usage, costUsd, model, rateLimits, tries, retryAfterMs }),
  });
}

function known<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const kept = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as { [K in keyof T]?: NonNullable<T[K]> };
}
