import { RunnerError } from '@stratagem/core/runner';

/** The error of an attempt whose signal was aborted; the signal's reason is its cause. */
export function abortError(signal: AbortSignal, message = 'the attempt was aborted'): RunnerError {
  return new RunnerError('aborted', message, { cause: signal.reason });
}

/** @throws {RunnerError} `aborted` when the signal is aborted. */
export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw abortError(signal);
}

/**
 * Resolves with the work.
 *
 * @throws {RunnerError} `aborted` as soon as the signal is aborted.
 */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  throwIfAborted(signal);
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(abortError(signal));
  });
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
