import type { TaskRunner } from '@stratagem/core';
import type { WrapperFlags } from './run-flags.js';
import { optionErrorToUsageError } from './to-usage-error.js';

/**
 * Puts the wrappers of the command line around a runner. The cache is outside the rate limits, so
 * that cached responses count against none of them; the recorder is outermost and sees everything.
 */
export async function wrapRunner(runner: TaskRunner, flags: WrapperFlags): Promise<TaskRunner> {
  const { requestsPerMinute, tokensPerMinute, cache: directory, record: file } = flags;
  const limits = {
    ...(requestsPerMinute !== undefined && { requestsPerMinute }),
    ...(tokensPerMinute !== undefined && { tokensPerMinute }),
  };
  const isLimited = Object.keys(limits).length > 0;
  if (!isLimited && directory === undefined && file === undefined) return runner;
  const { cache, fileStore, rateLimit, record } = await import('@stratagem/runners');
  let wrapped = runner;
  try {
    if (isLimited) wrapped = rateLimit(wrapped, limits);
    if (directory !== undefined) wrapped = cache(wrapped, fileStore(directory));
    if (file !== undefined) wrapped = record(wrapped, { file });
  } catch (error) {
    throw optionErrorToUsageError(error);
  }
  return wrapped;
}
