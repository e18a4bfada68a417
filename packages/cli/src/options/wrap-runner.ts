import type { TaskRunner } from '@stratagem/core';
import type { SharedLimits } from '@stratagem/core/journal';
import type { WrapperFlags } from './run-flags.js';
import { optionErrorToUsageError } from './to-usage-error.js';

/**
 * Puts the wrappers of the command line around runners, which share the rate limits. The cache is outside
 * the limits, so that cached responses count against none of them; the recorder is outermost and sees
 * everything.
 *
 * @param shared Where processes keep the rate limits together.
 */
export async function runnerWrapper(
  flags: WrapperFlags,
  shared?: SharedLimits,
): Promise<(runner: TaskRunner) => TaskRunner> {
  const { requestsPerMinute, tokensPerMinute, cache: directory, record: file } = flags;
  const limits = {
    ...(requestsPerMinute !== undefined && { requestsPerMinute }),
    ...(tokensPerMinute !== undefined && { tokensPerMinute }),
  };
  const isLimited = Object.keys(limits).length > 0;
  if (!isLimited && directory === undefined && file === undefined) return (runner) => runner;
  const { cache, createLimiter, fileStore, rateLimit, record } = await import('@stratagem/runners');
  try {
    const limiter = isLimited
      ? createLimiter({ ...limits, ...(shared && { shared, resource: 'workers' }) })
      : undefined;
    const store = directory === undefined ? undefined : fileStore(directory);
    return (runner) => {
      let wrapped = runner;
      if (limiter !== undefined) wrapped = rateLimit(wrapped, limiter);
      if (store !== undefined) wrapped = cache(wrapped, store);
      if (file !== undefined) wrapped = record(wrapped, { file });
      return wrapped;
    };
  } catch (error) {
    throw optionErrorToUsageError(error);
  }
}
