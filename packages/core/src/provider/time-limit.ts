import { describe, RunnerError } from '../contract/errors.js';
import { isFetchFailure } from '../contract/fetch-failure.js';
import { type RunContext, whenAborted } from '../contract/run-context.js';
import { MAX_TIMER_MS } from '../util/timer.js';

/**
 * Runs one request of an attempt. Aborts it when the run stops, after `timeoutMs`, or at the run's
 * deadline, and reports which of these happened. The limit covers the whole answer, unlike the
 * timeout of most HTTP clients.
 *
 * @param send Makes the request with this signal; `remainingMs` is the time left for it.
 * @throws {RunnerError} `aborted`, `timeout`, or `connection` when `fetch` could not connect or
 * lost the connection; otherwise the error that `send` throws.
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
  const { remainingMs: attemptMs = Number.POSITIVE_INFINITY } = context;
  const leftMs = Math.min(timeoutMs, attemptMs, MAX_TIMER_MS);
  const remainingMs = Math.max(1, Math.ceil(leftMs));
  const controller = new AbortController();
  let timedOut = false;
  let stopped: { readonly reason: unknown } | undefined;
  let creditedMs = context.waitedMs ?? 0;
  const expire = () => {
    const waitedMs = context.waitedMs ?? 0;
    if (waitedMs > creditedMs) {
      // The time of a human who approves calls does not count.
      timer = setTimeout(expire, Math.ceil(waitedMs - creditedMs));
      creditedMs = waitedMs;
      return;
    }
    timedOut = true;
    controller.abort();
  };
  let timer = setTimeout(expire, remainingMs);
  const forget = whenAborted(context, (reason) => {
    stopped = { reason };
    controller.abort(reason);
  });
  try {
    controller.signal.throwIfAborted();
    return await send(controller.signal, remainingMs);
  } catch (thrown) {
    if (stopped !== undefined) {
      const { reason: cause } = stopped;
      throw new RunnerError('aborted', 'the attempt was stopped before it was answered', { cause });
    }
    if (timedOut) throw new RunnerError('timeout', `no complete answer within ${remainingMs} ms`);
    if (isFetchFailure(thrown)) {
      throw new RunnerError('connection', describe(thrown), { cause: thrown });
    }
    throw thrown;
  } finally {
    clearTimeout(timer);
    forget();
  }
}
