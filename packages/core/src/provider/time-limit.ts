import { describe, RunnerError } from '../contract/errors.js';
import type { RunContext } from '../contract/run-context.js';

/** The longest delay a timer takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Does one request within an attempt: stops it when the run does, when `timeoutMs` have passed or
 * when the run's own deadline has, and says which of these it was. The limit holds until the whole
 * answer has been read, which the timeout of an HTTP client usually does not.
 *
 * @param send Makes the request with this signal; `remainingMs` is what is left for it.
 * @throws {RunnerError} `aborted`, `timeout`, or `connection` when `fetch` got none or lost it;
 * otherwise whatever `send` throws.
 *
 * @example
 * const text = await withTimeLimit(context, 60_000, async (signal) => {
 *   const response = await fetch(url, { signal });
 *   return response.text();
 * });
 */
export async function withTimeLimit<T>(
  context: RunContext,
  timeoutMs: number,
  send: (signal: AbortSignal, remainingMs: number) => Promise<T>,
): Promise<T> {
  const { signal, deadline = Number.POSITIVE_INFINITY } = context;
  const leftMs = Math.min(timeoutMs, deadline - Date.now(), MAX_TIMER_MS);
  const remainingMs = Math.max(1, Math.ceil(leftMs));
  const controller = new AbortController();
  let timedOut = false;
  const stop = () => controller.abort(signal.reason);
  const timer = setTimeout(() => {
    timedOut = true;
    controller.abort();
  }, remainingMs);
  signal.addEventListener('abort', stop, { once: true });
  try {
    signal.throwIfAborted();
    return await send(controller.signal, remainingMs);
  } catch (thrown) {
    if (signal.aborted) {
      const { reason: cause } = signal;
      throw new RunnerError('aborted', 'the attempt was stopped before it was answered', { cause });
    }
    if (timedOut) throw new RunnerError('timeout', `no complete answer within ${remainingMs} ms`);
    if (isFetchFailure(thrown)) {
      throw new RunnerError('connection', describe(thrown), { cause: thrown });
    }
    throw thrown;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

/** What `fetch` throws where there is no connection, or a broken one, in the words of each platform. */
function isFetchFailure(thrown: unknown): boolean {
  return thrown instanceof TypeError && FETCH_FAILURES.includes(thrown.message);
}

const FETCH_FAILURES = ['fetch failed', 'terminated', 'Failed to fetch', 'Load failed'];
