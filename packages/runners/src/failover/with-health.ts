import type { Health } from './health.js';

/**
 * Sends a request to a runner, whose health learns its end: at the latest when the attempt is
 * aborted, as a runner that does not listen to the signal may never come to an end.
 */
export async function observed<T>(
  health: Health,
  signal: AbortSignal,
  send: () => Promise<T>,
): Promise<T> {
  const mark = health.begin();
  let isKnown = false;
  const failed = (thrown: unknown) => {
    if (!isKnown) health.failed(mark, thrown, signal, performance.now());
    isKnown = true;
  };
  const stop = () => failed(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  try {
    const answer = await send();
    if (!isKnown) health.worked(mark, performance.now());
    return answer;
  } catch (thrown) {
    failed(thrown);
    throw thrown;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
