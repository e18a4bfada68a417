import { RunnerError } from '@stratagem/core/runner';

/** The longest delay a timer accepts: delays are 32-bit, and a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Resolves at that time of `performance.now()`; rejects as soon as the signal is aborted. */
export async function until(time: number, signal: AbortSignal): Promise<void> {
  throwIfAborted(signal);
  let remaining = Math.ceil(time - performance.now());
  while (remaining > 0) {
    await sleep(Math.min(remaining, MAX_TIMER_MS), signal);
    remaining -= MAX_TIMER_MS;
  }
}

/** Resolves with the work; rejects as soon as the signal is aborted. */
export async function orAborted<T>(work: T | PromiseLike<T>, signal: AbortSignal): Promise<T> {
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(abortError(signal));
  });
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([aborted, work]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** @throws {RunnerError} `aborted` when the signal is aborted. */
export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw abortError(signal);
}

async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  try {
    await orAborted(timeout, signal);
  } finally {
    clearTimeout(timer);
  }
}

function abortError(signal: AbortSignal): RunnerError {
  return new RunnerError('aborted', 'the request was aborted', { cause: signal.reason });
}
