import { describe, expect, test } from 'vitest';
import { byIndex } from '../../test/kernels.js';
import {
  deferred,
  eventsOf,
  execute,
  inOrder,
  planOf,
  runnerOf,
  statuses,
  taskOf,
} from '../../test/runs.js';
import {
  createExecutor,
  memoryJournal,
  type Outcome,
  type RunContext,
  type RunHandle,
  RunnerError,
  type Strategy,
  type Task,
} from '../index.js';
import { simulate } from '../simulate/simulate.js';

/** A function that only ends when it is aborted, and the reason for it. */
function endless() {
  const begun = deferred();
  const aborted = deferred<unknown>();
  const run = (_: unknown, { signal }: RunContext) => {
    begun.resolve();
    return new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => {
        aborted.resolve(signal.reason);
        reject(signal.reason);
      });
    });
  };
  return { run, begun: begun.promise, aborted: aborted.promise };
}

const slow = (dependencies: string[] = []): Task & { id: string } => ({
  id: 'slow',
  dependencies,
  run: () => 1,
});

describe('cancelTask', () => {
  test('aborts the attempt, skips what depends on it, and lets the rest of the run go on', async () => {
    const { run, begun, aborted } = endless();
    const running = execute(
      planOf(
        { id: 'a', run },
        { id: 'b', dependencies: ['a'], run: () => 1 },
        {
          id: 'clean',
          dependencies: ['b'],
          runAfter: 'failure',
          run: (_, { failures }) => failures,
        },
        { id: 'c', run: () => 2 },
        { id: 'd', dependencies: ['c'], run: () => 3 },
      ),
    );
    await begun;
    await running.cancelTask('a', 'too slow');
    const error = { code: 'canceled', message: 'Task "a" failed: it was canceled: too slow' };
    expect(await aborted).toMatchObject(error);
    const result = await running;
    expect(statuses(result)).toEqual({
      a: 'canceled',
      b: 'skipped',
      clean: 'completed',
      c: 'completed',
      d: 'completed',
    });
    expect(taskOf(result, 'a')).toMatchObject({ reason: 'requested', error, attempts: 1 });
    expect(taskOf(result, 'b')).toMatchObject({ reason: 'dependency_failed', failedTaskId: 'a' });
    expect(result.outputs.clean).toEqual([{ taskId: 'a', ...error }]);
    expect(result).toMatchObject({ status: 'failed', error: { code: 'run_failed', taskId: 'a' } });
  });

  test('with failFast stops the run like any other failure', async () => {
    const { run, begun } = endless();
    const running = execute(planOf({ id: 'a', run }, { id: 'b', run: endless().run }), {
      failFast: true,
    });
    await begun;
    await running.cancelTask('a');
    const result = await running;
    expect(taskOf(result, 'b')).toMatchObject({ status: 'canceled', reason: 'fail_fast' });
    expect(result.error?.message).toContain('it was canceled');
  });

  test('of a group aborts what runs of its subtasks, and skips them for it', async () => {
    const { run, begun, aborted } = endless();
    const running = execute(
      planOf({
        id: 'group',
        subtasks: [
          { id: 'in', run },
          { id: 'next', dependencies: ['in'], run: () => 1 },
        ],
      }),
    );
    await begun;
    await running.cancelTask('group');
    await aborted;
    expect(statuses(await running)).toEqual({ group: 'canceled', in: 'skipped', next: 'skipped' });
  });

  test('works on a task that waits: for others, for a retry, or for a human', async () => {
    const waiting = deferred();
    const running = execute(
      planOf(
        { id: 'ask', description: 'Ok?', waitFor: 'approval' },
        { id: 'later', dependencies: ['ask'], run: () => 1 },
        {
          id: 'retried',
          retry: { maxAttempts: 3, initialDelayMs: 1e9, maxDelayMs: 1e9 },
          run: () => {
            throw new RunnerError('overloaded', 'busy');
          },
        },
      ),
      { onEvent: ({ type }) => type === 'task_retrying' && waiting.resolve() },
    );
    await waiting.promise;
    for (const id of ['later', 'retried', 'ask']) await running.cancelTask(id);
    expect(statuses(await running)).toEqual({
      ask: 'canceled',
      later: 'canceled',
      retried: 'canceled',
    });
  });

  test('right after the start comes before the task', async () => {
    const running = execute(planOf({ id: 'a', run: () => 1 }, slow()), { maxParallel: 1 });
    await Promise.all([running.cancelTask('a'), running.cancelTask('slow')]);
    expect((await running).metrics.attempts).toBeLessThan(3);
  });

  test.each<[string, (run: RunHandle) => Promise<void>, string, string]>([
    ['is unknown', (run) => run.cancelTask('sloow'), 'unknown_task', 'Did you mean "slow"?'],
    ['has ended', (run) => run.skipTask('slow'), 'task_ended', 'it is completed'],
    ['is no id', (run) => run.skipTask(7 as never), 'invalid_option', 'must be a string'],
  ])('rejects when the task %s', async (_, call, code, message) => {
    const running = execute(planOf(slow()));
    await running;
    await expect(call(running as RunHandle)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  test('rejects when the run is canceled at the same time', async () => {
    const running = execute(planOf(slow()));
    const call = running.cancelTask('slow');
    running.cancel();
    await expect(call).rejects.toMatchObject({ code: 'task_ended' });
  });
});

describe('skipTask', () => {
  test('lets the plan do without the task, as without a branch that was not chosen', async () => {
    const { run, begun, aborted } = endless();
    const running = execute(
      planOf(
        { id: 'a', run },
        { id: 'only a', dependencies: ['a'], run: () => 1 },
        { id: 'c', run: () => 2 },
        { id: 'both', dependencies: ['a', 'c'], run: (inputs) => Object.keys(inputs) },
      ),
    );
    await begun;
    await running.skipTask('a', 'not needed');
    expect(await aborted).toMatchObject({ code: 'canceled' });
    const result = await running;
    expect(result.status).toBe('completed');
    expect(taskOf(result, 'a')).toMatchObject({ status: 'skipped', reason: 'requested' });
    expect(taskOf(result, 'only a')).toMatchObject({ reason: 'condition_false' });
    expect(result.outputs.both).toEqual(['c']);
    expect(eventsOf(result, 'task_skipped')[0]).toMatchObject({
      message: 'not needed',
      attempt: 1,
      durationMs: expect.any(Number),
    });
    expect(result.metrics).toMatchObject({ skippedTasks: 2, attempts: 3, peakConcurrency: 2 });
  });

  test('of an item leaves it out of the results of its fan-out', async () => {
    const { run, begun } = endless();
    const running = execute(
      planOf({
        id: 'each',
        forEach: () => [1, 2],
        run: (inputs, context) => (inputs.item === 1 ? run(inputs, context) : inputs.item),
      }),
    );
    await begun;
    await running.skipTask('each[0]');
    const result = await running;
    expect(result.outputs.each).toEqual([{ id: 'each[1]', status: 'completed', output: 2 }]);
  });
});

test('both are recorded: a resumed run knows them, and canceled tasks run again when asked', async () => {
  const journal = memoryJournal();
  const { run, begun } = endless();
  const tasks = (a: Task['run']) =>
    planOf(
      { id: 'a', run: a },
      { id: 'b', run: endless().run },
      { id: 'last', dependencies: ['a', 'b'], run: (inputs) => Object.keys(inputs) },
      { id: 'c', run: () => 1 },
    );
  const executor = createExecutor({ strategy: inOrder, journal });
  const running = executor.execute(tasks(run), { runId: 'one' });
  await begun;
  await running.skipTask('b', 'no');
  await running.cancelTask('a');
  const first = await running;
  expect(first.status).toBe('failed');
  const read = await executor.resume('one', { plan: tasks(run) });
  expect(JSON.stringify(read.tasks)).toBe(JSON.stringify(first.tasks));
  const again = await executor.resume('one', { plan: tasks(() => 7), retryFailed: true });
  expect(again.outputs).toMatchObject({ a: 7, last: ['a'] });
  expect(taskOf(again, 'b')).toMatchObject({ status: 'skipped', reason: 'requested' });
});

test('what a person says is redacted like other texts', async () => {
  const journal = memoryJournal();
  const { run, begun } = endless();
  const executor = createExecutor({ strategy: inOrder, journal });
  const redact = (value: unknown) =>
    typeof value === 'string' ? value.replaceAll('secret', '…') : value;
  const plan = planOf({ id: 'a', run }, { id: 'b', run: endless().run });
  const running = executor.execute(plan, { runId: 'one', redact });
  await begun;
  await running.skipTask('a', 'the secret');
  await running.cancelTask('b', 'the secret');
  await running;
  const opened = await journal.open('one');
  expect(JSON.stringify(opened.events)).not.toContain('secret');
});

describe('a strategy', () => {
  const outcomes: (Outcome & { id: string })[] = [];
  const oneAtATime: Strategy = {
    name: 'one at a time',
    begin() {
      const inner = byIndex.begin(undefined as never);
      let isBusy = false;
      return {
        ready: inner.ready,
        next(now) {
          if (isBusy) return undefined;
          const task = inner.next(now);
          isBusy = task !== undefined;
          return task;
        },
        settled(task, outcome) {
          isBusy = false;
          outcomes.push({ ...outcome, id: task.id });
        },
      };
    },
  };

  test('learns that an aborted attempt brought no answer, and that a ready task is gone', () => {
    const tasks = ['a', 'b', 'c'].map((id) => ({ id, description: id }));
    const result = simulate(
      { goal: 'x', tasks },
      {
        strategy: oneAtATime,
        attempt: () => ({ durationMs: 10 }),
        actions: [
          { atMs: 4, act: (run) => run.skipTask('b') },
          { atMs: 5, act: (run) => run.cancelTask('a') },
        ],
      },
    );
    expect(statuses(result)).toEqual({ a: 'canceled', b: 'skipped', c: 'completed' });
    expect(outcomes).toMatchObject([
      { id: 'a', ok: false, errorCode: 'aborted', latencyMs: 5 },
      { id: 'b', ok: false, errorCode: 'aborted', latencyMs: 0 },
      { id: 'c', ok: true },
    ]);
  });

  test('starts another task for a server on trial when the only attempt is canceled', () => {
    const tasks = ['a', 'b'].map((id) => ({ id, description: id }));
    const result = simulate(
      { goal: 'x', tasks },
      {
        strategy: byIndex,
        maxParallel: 2,
        attempt: ({ id }, attempt) =>
          attempt === 1 && id === 'a'
            ? { durationMs: 5, error: new RunnerError('rate_limited', 'no', { retryAfterMs: 40 }) }
            : attempt === 1 && id === 'b'
              ? {
                  durationMs: 6,
                  error: new RunnerError('rate_limited', 'no', { retryAfterMs: 40 }),
                }
              : { durationMs: 1_000 },
        retry: { initialDelayMs: 0 },
        actions: [{ atMs: 60, act: (run) => run.cancelTask('a') }],
      },
    );
    expect(statuses(result)).toEqual({ a: 'canceled', b: 'completed' });
    expect(taskOf(result, 'b').startedAt).toBe(60);
  });
});

test('a runner sees that its attempt was aborted', async () => {
  const { runner } = runnerOf();
  const begun = deferred();
  const slow = {
    ...runner,
    run: (_: unknown, { signal }: RunContext) => {
      begun.resolve();
      return new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    },
  };
  const running = execute(planOf({ id: 'a', description: 'x' }), { runner: slow });
  await begun.promise;
  await running.cancelTask('a');
  expect((await running).status).toBe('failed');
});
