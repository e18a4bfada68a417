import { OptionError, type TaskRunner } from '@stratagem/core';
import { UsageError } from '../output/exit-code.js';

export interface WrapperFlags {
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  readonly cache?: string;
  readonly record?: string;
}

/**
 * The runner with what the command line puts around it: what it has answered before comes from the
 * cache and counts against no limit, and all of it is recorded.
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
    if (error instanceof OptionError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
  return wrapped;
}
