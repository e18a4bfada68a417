import { StratagemError } from '@stratagem/core';
import { describe } from '@stratagem/core/runner';

/**
 * Calls a function of the caller, which may ignore the signal, and returns its result.
 *
 * @throws {StratagemError} `run_canceled` as soon as the signal aborts; a later result or error of
 * the function is discarded.
 */
export async function unlessCanceled<T>(
  signal: AbortSignal | undefined,
  work: () => T | PromiseLike<T>,
): Promise<T> {
  if (signal === undefined) return work();
  throwIfCanceled(signal);
  const finished = new AbortController();
  const canceled = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true, signal: finished.signal });
  });
  try {
    const result = await Promise.race([Promise.resolve(work()), canceled]);
    throwIfCanceled(signal);
    return result as T;
  } finally {
    finished.abort();
  }
}

function throwIfCanceled({ aborted, reason }: AbortSignal): void {
  if (!aborted) return;
  const message = `The run was canceled: ${describe(reason)}`;
  throw new StratagemError('run_canceled', message, { cause: reason });
}
