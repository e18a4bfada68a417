import { isStratagemError, RunnerError } from '@stratagem/core/runner';
import { codeOf, detailsOf, messageOf } from '../util/error-details.js';
import { totalUsage } from './usage-total.js';

/** The failure of one runner among several. */
export interface Failure {
  /** The label of the runner. */
  readonly runner: string;
  readonly thrown: unknown;
  /** How many requests were made: 0 when the runner was skipped. */
  readonly tries: number;
}

/**
 * The error of an attempt in which several runners failed. Its message and cause have every failure,
 * its usage and tries are their sums, and its code is that of the `decisive` one.
 *
 * @param retryAfterMs How long until one of the runners should be available again.
 */
export function combinedError(
  failures: readonly Failure[],
  decisive: Failure,
  retryAfterMs: number | undefined,
): unknown {
  const [only] = failures;
  if (failures.length === 1 && only !== undefined && only.tries > 0) {
    return withRetryAfter(only.thrown, retryAfterMs);
  }
  const reasons = failures.map(({ runner, thrown }) => {
    return `"${runner}" (${codeOf(thrown)}): ${messageOf(thrown)}`;
  });
  const message = `no runner succeeded. ${reasons.join('; ')}`;
  const { status, requestId, model, rateLimits, isRetryable } = detailsOf(decisive.thrown);
  const thrown = failures.map((failure) => failure.thrown);
  return new RunnerError(codeOf(decisive.thrown), message, {
    cause: new AggregateError(thrown, message),
    ...withoutUndefined({ status, requestId, model, rateLimits, retryAfterMs, isRetryable }),
    ...totalUsage(thrown.map(detailsOf)),
    tries: Math.max(
      1,
      failures.reduce((sum, { tries }) => sum + tries, 0),
    ),
  });
}

/** The same error with another `retryAfterMs`, for a wrapper that waits less than its runner. */
export function withRetryAfter(thrown: unknown, retryAfterMs: number | undefined): unknown {
  const details = detailsOf(thrown);
  if (!isStratagemError(thrown) || details.retryAfterMs === retryAfterMs) return thrown;
  const { status, requestId, usage, costUsd, model, rateLimits, tries, isRetryable } = details;
  return new RunnerError(codeOf(thrown), thrown.message, {
    cause: thrown,
    ...withoutUndefined({
      ...{ status, requestId, usage, costUsd, model, rateLimits, tries, retryAfterMs, isRetryable },
    }),
  });
}

function withoutUndefined<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const defined = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(defined) as { [K in keyof T]?: NonNullable<T[K]> };
}
