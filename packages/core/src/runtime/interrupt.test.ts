import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { testJournal } from '../../test/journals.js';
import { deferred, execute, inOrder, planOf, statuses, taskOf } from '../../test/runs.js';
import {
  createExecutor,
  type ExecutorOptions,
  type InterruptOptions,
  memoryJournal,
  type RunContext,
  type Task,
} from '../index.js';

/** Tasks that end when their gates open, or when they are aborted. */
function gated(...ids: string[]) {
  const gates = new Map(ids.map((id) => [id, deferred<unknown>()]));
  const started: string[] = [];
  const aborted: string[] = [];
  const tasks: Task[] = ids.map((id, position) => ({
    id,
    dependencies: position === 0 ? [] : [ids[0] as string],
    run: (_: unknown, { signal, idempotencyKey }: RunContext) => {
      started.push(idempotencyKey.replace('one/', ''));
      return new Promise((resolve, reject) => {
        gates.get(id)?.promise.then(resolve);
        signal.addEventListener('abort', () => {
          aborted.push(`${id} ${(signal.reason as { code?: string }).code}`);
          reject(signal.reason);
        });
      });
    },
  }));
  const open = (id: string) => gates.get(id)?.resolve(id);
  return { plan: planOf(...tasks), open, started, aborted };
}

function executorOf(options: Partial<ExecutorOptions> = {}) {
  return createExecutor({ strategy: inOrder, journal: memoryJournal(), ...options });
}

/** Long enough for all that needs no timer. */
async function settle() {
  await vi.advanceTimersByTimeAsync(1);
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('interrupt', () => {
  test('has a result although streamed output was dropped', async () => {
    vi.useRealTimers();
    const options = { journal: testJournal(), timeline: 'stream', onEvent() {} } as const;
    // What tasks report at the same time becomes one append.
    const work = async (_: unknown, { emit }: RunContext) => {
      await Promise.resolve();
      void emit('a text');
      await Promise.resolve();
      return 1;
    };
    const { plan, started } = gated('last');
    const many = Array.from({ length: 10 }, (_, index) => ({ id: `t${index}`, run: work }));
    const tasks = [
      ...many,
      { ...plan.tasks[0], id: 'last', dependencies: many.map(({ id }) => id) },
    ];
    const run = executorOf(options).execute({ goal: 'x', tasks: tasks as Task[] });
    await vi.waitUntil(() => started.length > 0);
    const result = await run.interrupt();
    expect(result).toMatchObject({ status: 'interrupted', metrics: { completedTasks: 10 } });
  });

  test('aborts attempts, leaves the run open in its journal, and gives the lease back', async () => {
    const executor = executorOf();
    const { plan, open, started, aborted } = gated('a', 'b');
    const run = executor.execute(plan, { runId: 'one' });
    await settle();
    const result = await run.interrupt();
    expect(result).toBe(await run);
    expect(result).toMatchObject({ status: 'interrupted', error: { code: 'run_interrupted' } });
    expect(statuses(result)).toEqual({ a: 'running', b: 'pending' });
    expect(result.timeline.at(-1)?.type).toBe('task_started');
    expect(aborted).toEqual(['a run_interrupted']);
    await expect(run.orThrow()).rejects.toMatchObject({ code: 'run_interrupted' });

    const resumed = executor.resume('one', { plan });
    open('a');
    open('b');
    expect((await resumed).status).toBe('completed');
    // The attempt that was aborted starts again as the same attempt.
    expect(started).toEqual(['a/1', 'a/1', 'b/1']);
  });

  test('with drain lets attempts finish, and starts nothing more', async () => {
    const executor = executorOf();
    const { plan, open, started, aborted } = gated('a', 'b');
    const run = executor.execute(plan, { runId: 'one' });
    await settle();
    const ended = run.interrupt({ drain: true });
    await settle();
    open('a');
    const result = await ended;
    expect(result.status).toBe('interrupted');
    expect(result.outputs).toEqual({ a: 'a' });
    expect([started, aborted]).toEqual([['a/1'], []]);
    open('b');
    expect((await executor.resume('one', { plan })).status).toBe('completed');
    expect(started).toEqual(['a/1', 'b/1']);
  });

  test('takes no more tasks once the run has left this process', async () => {
    const { plan, open } = gated('a', 'b');
    const run = executorOf().execute(plan, { runId: 'one' });
    await settle();
    const ended = run.interrupt({ drain: true });
    open('a');
    expect((await ended).status).toBe('interrupted');
    expect(() => run.addTasks([{ id: 'c', run: () => 1 }])).toThrow('it is over');
  });

  test('with drain aborts what is left after its time limit', async () => {
    const { plan, aborted } = gated('a');
    const run = executorOf().execute(plan, { runId: 'one' });
    await settle();
    const ended = run.interrupt({ drain: true, timeoutMs: 500 });
    await vi.advanceTimersByTimeAsync(499);
    expect(aborted).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect((await ended).status).toBe('interrupted');
    expect(aborted).toEqual(['a run_interrupted']);
  });

  test('at once ends a drain that is under way, and not the other way round', async () => {
    const { plan } = gated('a');
    const run = executorOf().execute(plan, { runId: 'one' });
    await settle();
    run.interrupt({ drain: true });
    await settle();
    run.interrupt();
    run.interrupt({ drain: true });
    expect((await run).status).toBe('interrupted');
  });

  test('has no effect on a run that ends meanwhile, and cancel() still cancels', async () => {
    const first = gated('a');
    const run = executorOf().execute(first.plan);
    await settle();
    const ended = run.interrupt({ drain: true });
    first.open('a');
    expect((await ended).status).toBe('completed');
    expect((await run.interrupt()).status).toBe('completed');

    const second = gated('a');
    const canceled = executorOf().execute(second.plan);
    await settle();
    canceled.interrupt({ drain: true });
    await settle();
    canceled.cancel('enough');
    expect((await canceled).status).toBe('canceled');
  });

  test('before the start, and while the run is opened, starts nothing', async () => {
    for (const options of [{}, { drain: true }]) {
      const executor = executorOf();
      const { plan, open, started } = gated('a');
      const run = executor.execute(plan, { runId: 'one' });
      expect((await run.interrupt(options)).status).toBe('interrupted');
      const resumed = executor.resume('one', { plan });
      expect((await resumed.interrupt(options)).status).toBe('interrupted');
      expect(started).toEqual([]);
      open('a');
      expect((await executor.resume('one', { plan })).status).toBe('completed');
    }
  });

  test('with drain waits for no attempt of the process before, which has yet to start again', async () => {
    const executor = executorOf();
    const { plan, started } = gated('a');
    const run = executor.execute(plan, { runId: 'one' });
    await settle();
    await run.interrupt();
    const resumed = executor.resume('one', { plan });
    expect((await resumed.interrupt({ drain: true })).status).toBe('interrupted');
    expect(started).toEqual(['a/1']);
  });

  test('before the start refuses other changes, for nothing is recorded; cancel() still cancels', async () => {
    const executor = executorOf();
    const { plan, open, started } = gated('a');
    const begin = () => executor.execute(plan, { runId: 'one' });
    const resume = () => executor.resume('one', { plan });
    const opened = executorOf();
    const recorded = opened.execute(plan, { runId: 'one' });
    await settle();
    await recorded.interrupt();
    for (const start of [begin, resume, () => opened.resume('one', { plan })]) {
      const run = start();
      const changes = [run.pause(), run.setMaxParallel(2), run.resume(), run.skipTask('a')];
      const ended = run.interrupt();
      for (const change of changes) {
        await expect(change).rejects.toMatchObject({ code: 'run_interrupted' });
      }
      expect((await ended).status).toBe('interrupted');
    }
    expect(started).toEqual(['a/1']);
    const canceled = resume();
    canceled.interrupt();
    canceled.cancel('enough');
    expect((await canceled).status).toBe('canceled');
    open('a');
    expect((await opened.resume('one', { plan })).status).toBe('completed');
  });

  test('keeps human steps and waits between retries for the process that resumes the run', async () => {
    const executor = executorOf();
    let isBroken = true;
    const plan = planOf(
      { id: 'ask', description: 'Ok?', waitFor: 'approval' },
      {
        id: 'retried',
        retry: { maxAttempts: 2, initialDelayMs: 1_000 },
        run: () => {
          if (isBroken) throw new Error('no');
          return 1;
        },
      },
    );
    const run = executor.execute(plan, { runId: 'one' });
    await settle();
    expect((await run.interrupt({ drain: true })).status).toBe('interrupted');
    isBroken = false;
    const resumed = executor.resume('one', { plan });
    await vi.advanceTimersByTimeAsync(1_000);
    await resumed.approve('ask');
    expect((await resumed).outputs).toEqual({ ask: true, retried: 1 });
  });

  test('refuses what could not be resumed, and wrong options', async () => {
    const run = execute(planOf({ id: 'a', run: () => 1 }));
    expect(() => run.interrupt()).toThrow('needs a journal');
    const recorded = executorOf().execute(planOf({ id: 'a', run: () => 1 }));
    for (const [options, message] of [
      [{ timeoutMs: 5 }, 'timeoutMs has no effect without drain'],
      [{ drain: 1 }, 'drain must be true or false'],
      [{ drian: true }, 'Did you mean "drain"?'],
    ] as [InterruptOptions, string][]) {
      expect(() => recorded.interrupt(options)).toThrow(message);
    }
    await Promise.all([run, recorded]);
  });
});

describe('openQuestions', () => {
  const plan = planOf(
    { id: 'a', description: 'Ok?', waitFor: { kind: 'approval', timeoutMs: 9_000 } },
    { id: 'b', description: 'Which?', waitFor: 'answer' },
    { id: 'c', dependencies: ['a'], description: 'Later?', waitFor: 'answer' },
  );

  test('lists the human steps that wait, and again after the run was resumed', async () => {
    const executor = executorOf();
    const run = executor.execute(plan, { runId: 'one' });
    expect(run.openQuestions()).toEqual([]);
    await settle();
    const since = expect.any(Number);
    const a = { taskId: 'a', question: 'Ok?', kind: 'approval', since, timeoutMs: 9_000 };
    const b = { taskId: 'b', question: 'Which?', kind: 'answer', since };
    expect(run.openQuestions()).toEqual([a, b]);
    const asked = run.openQuestions();
    await run.approve('a');
    expect(run.openQuestions().map(({ taskId }) => taskId)).toEqual(['b', 'c']);
    await run.interrupt();
    expect(run.openQuestions()).toEqual([]);

    const resumed = executor.resume('one');
    expect(resumed.openQuestions()).toEqual([]);
    for await (const { type } of resumed) if (type === 'run_resumed') break;
    await settle();
    expect(resumed.openQuestions()).toMatchObject([asked[1], { taskId: 'c' }]);
    resumed.cancel();
    await resumed;
    expect(resumed.openQuestions()).toEqual([]);
  });
});

describe('work that was aborted', () => {
  /** A task that ends so long after it was aborted. */
  const slowToEnd = (ms: number): Task => ({
    id: 'a',
    run: (_: unknown, { signal }: RunContext) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => setTimeout(() => reject(signal.reason), ms));
      }),
  });

  /** Cancels a run of such a task, and returns when it ends and what it abandons. */
  async function canceled(task: Task, options: Partial<ExecutorOptions> = {}) {
    const abandoned: object[] = [];
    const run = createExecutor({
      strategy: inOrder,
      onAbandoned: (attempt) => abandoned.push(attempt),
      ...options,
    }).execute(planOf(task), { runId: 'one' });
    let result: Awaited<typeof run> | undefined;
    run.then((ended) => {
      result = ended;
    });
    await settle();
    run.cancel();
    return { abandoned, ended: () => result };
  }

  test('ends before the result', async () => {
    const { abandoned, ended } = await canceled(slowToEnd(100));
    await vi.advanceTimersByTimeAsync(99);
    expect(ended()).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect(taskOf(ended() as never, 'a').status).toBe('canceled');
    expect(abandoned).toEqual([]);
  });

  test.each([
    [undefined, 5_000],
    [40, 40],
  ])('does not hold the result for longer than abortGraceMs: %j', async (abortGraceMs, ms) => {
    const { abandoned, ended } = await canceled(slowToEnd(1e6), { abortGraceMs });
    await vi.advanceTimersByTimeAsync(ms - 1);
    expect(ended()).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect(ended()?.status).toBe('canceled');
    expect(abandoned).toEqual([{ runId: 'one', taskId: 'a', attempt: 1, abortedMs: ms }]);
  });

  test('is not waited for with abortGraceMs: 0', async () => {
    const { abandoned, ended } = await canceled(slowToEnd(1e6), { abortGraceMs: 0 });
    await vi.advanceTimersByTimeAsync(0);
    expect(ended()?.status).toBe('canceled');
    expect(abandoned).toHaveLength(1);
  });

  test('keeps the lease of its run, so that it does not run twice at once', async () => {
    const journal = memoryJournal();
    const { ended } = await canceled(slowToEnd(100), { journal });
    await settle();
    await expect(journal.open('one')).rejects.toMatchObject({ code: 'run_locked' });
    await vi.advanceTimersByTimeAsync(100);
    expect(ended()?.status).toBe('canceled');
    await (await journal.open('one')).close();
  });

  test('counts from when it was aborted: long after a timeout, nothing waits', async () => {
    const run = createExecutor({ strategy: inOrder }).execute(
      planOf(
        { id: 'stuck', timeoutMs: 10, retry: { maxAttempts: 1 }, run: () => new Promise(() => {}) },
        { id: 'b', run: () => new Promise((resolve) => setTimeout(resolve, 6_000)) },
      ),
    );
    let isOver = false;
    run.then(() => {
      isOver = true;
    });
    await vi.advanceTimersByTimeAsync(6_001);
    expect(isOver).toBe(true);
  });

  test('reports what onAbandoned throws, and checks its options', async () => {
    const { ended } = await canceled(slowToEnd(1e6), {
      abortGraceMs: 1,
      onAbandoned: () => {
        throw new Error('no');
      },
    });
    await vi.advanceTimersByTimeAsync(5);
    expect(ended()?.listenerErrors).toMatchObject([{ message: 'no' }]);
    expect(() => createExecutor({ strategy: inOrder, abortGraceMs: -1 })).toThrow('abortGraceMs');
    expect(() => createExecutor({ strategy: inOrder, onAbandoned: 1 as never })).toThrow(
      'onAbandoned must be a function',
    );
  });
});
