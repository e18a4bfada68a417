import type { Health } from './health.js';

/**
 * Sends a request to a runner and records its end in the runner's health. An abort is recorded at
 * once, because a runner that ignores the signal may never settle.
 */
export async function withHealth<T>(
  health: Health,
  signal: AbortSignal,
  send: () => Promise<T>,
): Promise<T> {
  const ticket = health.recordStart();
  let isRecorded = false;
  const recordFailure = (thrown: unknown) => {
    if (!isRecorded) health.recordFailure(ticket, thrown, signal, performance.now());
    isRecorded = true;
  };
  const onAbort = () => recordFailure(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const response = await send();
    if (!isRecorded) health.recordSuccess(ticket, performance.now());
    return response;
  } catch (thrown) {
    recordFailure(thrown);
    throw thrown;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
