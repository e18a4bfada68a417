import { describe, expect, test } from 'vitest';
import { RunnerError } from '../contract/errors.js';
import type { RunContext } from '../contract/run-context.js';
import { withTimeLimit } from './time-limit.js';

describe('withTimeLimit', () => {
  test('resolves with the answer, and rethrows errors', async () => {
    await expect(withTimeLimit(context(), 1_000, async () => 'text')).resolves.toBe('text');
    const error = new Error('no');
    await expect(withTimeLimit(context(), 1_000, () => Promise.reject(error))).rejects.toBe(error);
  });

  test('aborts the request after timeoutMs', async () => {
    await expect(withTimeLimit(context(), 5, untilAborted)).rejects.toMatchObject({
      code: 'timeout',
      message: 'no complete answer within 5 ms',
    });
  });

  test('aborts the request at the end of the attempt when that comes first', async () => {
    const run = withTimeLimit(context({ remainingMs: 0 }), 60_000, untilAborted);
    await expect(run).rejects.toMatchObject({ code: 'timeout' });
  });

  test('passes on the remaining time', async () => {
    const remaining = (given: Partial<RunContext>, timeoutMs: number) =>
      withTimeLimit(context(given), timeoutMs, async (_, remainingMs) => remainingMs);
    await expect(remaining({}, 1_234.5)).resolves.toBe(1_235);
    await expect(remaining({}, Number.MAX_VALUE)).resolves.toBe(2 ** 31 - 1);
    await expect(remaining({ remainingMs: 5_000 }, 60_000)).resolves.toBeLessThan(5_001);
  });

  test('aborts the request when the run stops, with its reason as cause', async () => {
    const controller = new AbortController();
    const run = withTimeLimit(context({ signal: controller.signal }), 60_000, untilAborted);
    const reason = new Error('enough');
    controller.abort(reason);
    const error = await run.catch((thrown) => thrown);
    expect(error).toBeInstanceOf(RunnerError);
    expect(error).toMatchObject({ code: 'aborted', cause: reason });
  });

  test('sends nothing when the run has already stopped', async () => {
    let sent = false;
    const run = withTimeLimit(context({ signal: AbortSignal.abort() }), 1_000, async () => {
      sent = true;
    });
    await expect(run).rejects.toMatchObject({ code: 'aborted' });
    expect(sent).toBe(false);
  });

  test('leaves no timer and no listener behind', async () => {
    const { signal } = new AbortController();
    const listeners = new Set<unknown>();
    signal.addEventListener = (_: string, listener: unknown) => listeners.add(listener);
    signal.removeEventListener = (_: string, listener: unknown) => listeners.delete(listener);
    const timers = () =>
      process.getActiveResourcesInfo().filter((type) => type === 'Timeout').length;
    const before = timers();
    await withTimeLimit(context({ signal }), 60_000, async () => {
      expect(listeners.size).toBe(1);
      expect(timers()).toBe(before + 1);
    });
    expect(listeners.size).toBe(0);
    expect(timers()).toBe(before);
  });

  test('reports a connection error of fetch', async () => {
    const nowhere = withTimeLimit(context(), 5_000, (signal) =>
      fetch('http://127.0.0.1:1', { signal }),
    );
    await expect(nowhere).rejects.toMatchObject({
      code: 'connection',
      message: expect.stringContaining('fetch failed'),
      cause: expect.any(TypeError),
    });
    const broken = new TypeError('cannot read x of undefined');
    await expect(withTimeLimit(context(), 5_000, () => Promise.reject(broken))).rejects.toBe(
      broken,
    );
  });
});

function context(given: Partial<RunContext> = {}): RunContext {
  const { signal } = new AbortController();
  const nothing = {
    remainingMs: undefined,
    failures: [],
    emit: () => undefined,
    addTasks: () => {},
  };
  const task = { runId: 'run', taskId: 'a', priority: 0, criticalPath: 1 };
  const attempt = { ...task, attempt: 1, idempotencyKey: 'run/a/1', attemptsLeft: 1 };
  return { ...attempt, signal, ...nothing, ...given };
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
  });
}
