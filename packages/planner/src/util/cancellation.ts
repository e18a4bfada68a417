import { describe, StratagemError } from '@stratagem/core';

/**
 * The outcome of a caller's function, which need not heed the signal itself.
 *
 * @throws {StratagemError} `plan_canceled` as soon as the signal is aborted, whatever comes of the
 * function afterwards.
 */
export async function unlessCanceled<T>(
  signal: AbortSignal | undefined,
  work: () => T | PromiseLike<T>,
): Promise<T> {
  if (signal === undefined) return work();
  throwIfCanceled(signal);
  const over = new AbortController();
  const canceled = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true, signal: over.signal });
  });
  try {
    const outcome = await Promise.race([Promise.resolve(work()), canceled]);
    throwIfCanceled(signal);
    return outcome as T;
  } finally {
    over.abort();
  }
}

function throwIfCanceled({ aborted, reason }: AbortSignal): void {
  if (!aborted) return;
  const message = `The plan was canceled: ${describe(reason)}`;
  throw new StratagemError('plan_canceled', message, { cause: reason });
}
