import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { crashed, logOf } from '../../test/journals.js';
import { chain, completed, executor, logUntil, runner } from '../../test/recorded-runs.js';
import { eventsOf, no, planOf, statuses, taskOf } from '../../test/runs.js';
import { RunnerError } from '../contract/errors.js';
import type { Plan } from '../contract/plan.js';
import type { Task } from '../contract/task.js';
import { memoryJournal } from './memory-journal.js';

describe('a plan that has changed', () => {
  const before = planOf(
    { id: 'a', description: 'A' },
    { id: 'b', description: 'B' },
    { id: 'c', description: 'C', dependencies: ['a'] },
    { id: 'd', description: 'D', dependencies: ['b', 'c'] },
    { id: 'gone', description: 'Gone' },
  );
  const after: Plan = {
    ...planOf(
      { id: 'd', description: 'D', dependencies: ['b', 'c'] },
      { id: 'b', description: 'B, but better', priority: 2 },
      { id: 'a', description: 'A' },
      { id: 'c', description: 'C', dependencies: ['a'] },
      { id: 'new', description: 'New', dependencies: ['a'] },
    ),
    deadlineMs: 60_000,
  };

  test('is rejected with a list of differences', async () => {
    const log = await logUntil(before, completed('c'), { runner: runner() });
    const journal = await crashed(log);
    const run = executor({ journal, runner: runner() }).resume('one', { plan: after });
    await expect(run).rejects.toMatchObject({
      code: 'plan_changed',
      runId: 'one',
      diff: {
        settings: ['deadlineMs'],
        tasks: [
          { taskId: 'b', kind: 'changed', fields: ['description', 'priority'] },
          { taskId: 'new', kind: 'added', fields: [] },
          { taskId: 'gone', kind: 'removed', fields: [] },
        ],
      },
    });
    await expect(run).rejects.toThrow(
      '  ~ deadlineMs of the plan\n  ~ task "b": description, priority\n' +
        '  + task "new"\n  - task "gone"',
    );
    expect(await logOf(journal, 'one')).toEqual(log);
  });

  test('is accepted in another order and with other functions', async () => {
    const plan = (run: Task['run']) => [
      { id: 'x', run },
      { id: 'y', description: 'Y', dependencies: ['x'] },
    ];
    const tasks = plan(() => 1);
    const log = await logUntil(planOf(...tasks), completed('x'), { runner: runner() });
    const changed = planOf(...plan(() => 2).reverse());
    const options = { journal: await crashed(log), runner: runner() };
    const { outputs } = await executor(options).resume('one', { plan: changed });
    expect(outputs.x).toBe(1);
  });

  test('is adopted: completed, unchanged tasks are kept and cost nothing again', async () => {
    const usage = { inputTokens: 10, outputTokens: 1 };
    const paid = (asked: string[]) => ({
      name: 'paid',
      async run({ taskId }: { taskId: string }) {
        asked.push(taskId);
        return { output: `${taskId} done`, usage, costUsd: 1 };
      },
    });
    const log = await logUntil(before, completed('d'), { runner: paid([]) });
    const spent = log.filter(({ type }) => type === 'task_completed').length;
    const journal = await crashed(log);
    const asked: string[] = [];
    const result = await executor({ journal, runner: paid(asked) }).resume('one', {
      plan: after,
      acceptChanges: true,
    });
    expect(result.status).toBe('completed');
    expect(asked.sort()).toEqual(['b', 'd', 'new']);
    expect(result.metrics).toMatchObject({ totalTasks: 5, completedTasks: 5, costUsd: spent + 3 });
    const reused = eventsOf(result, 'task_completed').filter(({ reused }) => reused !== undefined);
    expect(reused.map(({ taskId, reused }) => [taskId, reused])).toEqual([
      ['a', { runId: 'one' }],
      ['c', { runId: 'one' }],
    ]);
    expect(await journal.list()).toMatchObject([
      { completedTasks: 5, totalTasks: 5, status: 'completed' },
    ]);
    const again = await executor({ journal }).resume('one');
    expect(JSON.stringify(again.tasks)).toEqual(JSON.stringify(result.tasks));
    expect(again.metrics).toEqual(result.metrics);
  });

  test('is adopted with its fan-outs, groups, decisions and added tasks', async () => {
    const body = (log: string[]) => (name: string, output: unknown) => (): unknown => {
      log.push(name);
      return output;
    };
    const planWith = (calls: string[], last: string): Plan => {
      const done = body(calls);
      return planOf(
        { id: 'list', run: done('list', [1, 2, 3]) },
        {
          id: 'each',
          dependencies: ['list'],
          forEach: { items: 'list', minSuccess: 2 },
          run({ item }) {
            calls.push(`each ${item}`);
            if (item === 2) throw new Error('no');
            return item * 10;
          },
        },
        {
          id: 'group',
          subtasks: [
            { id: 'one', run: done('one', 1) },
            { id: 'never', when: () => false, run: done('never', 1) },
          ],
        },
        {
          id: 'adds',
          run(_, { addTasks }) {
            calls.push('adds');
            addTasks([{ id: 'added', run: done('added', 'added') }]);
          },
        },
        { id: 'last', description: last, dependencies: ['each', 'group', 'adds'] },
      );
    };
    const log = await logUntil(planWith([], 'Last'), completed('last'), { runner: runner() });
    const calls: string[] = [];
    const journal = await crashed(log);
    const options = { plan: planWith(calls, 'Last, again'), acceptChanges: true };
    const second = runner();
    const result = await executor({ journal, runner: second }).resume('one', options);
    expect([result.status, calls]).toEqual(['completed', []]);
    expect(second.asked.map(([taskId]) => taskId)).toEqual(['last']);
    expect(statuses(result)).toEqual({
      list: 'completed',
      each: 'completed',
      'each[0]': 'completed',
      'each[1]': 'failed',
      'each[2]': 'completed',
      group: 'completed',
      one: 'completed',
      never: 'skipped',
      adds: 'completed',
      added: 'completed',
      last: 'completed',
    });
    expect(result.outputs.group).toEqual({ one: 1 });
  });

  test('is adopted with added tasks: those that depend on changed tasks run again', async () => {
    const planWith = (base: string): Plan =>
      planOf(
        { id: 'base', description: base },
        {
          id: 'adds',
          run(_, { addTasks }) {
            addTasks([
              { id: 'on base', description: 'On base', dependencies: ['base'] },
              { id: 'on its own', description: 'On its own' },
            ]);
          },
        },
        { id: 'last', description: 'Last', dependencies: ['base', 'adds'] },
      );
    const log = await logUntil(planWith('Base'), ({ type }) => type === 'run_completed', {
      runner: runner(),
    });
    const second = runner();
    const options = { plan: planWith('Another'), acceptChanges: true };
    const result = await executor({ journal: await crashed(log), runner: second }).resume(
      'one',
      options,
    );
    expect(second.asked.map(([taskId]) => taskId).sort()).toEqual(['base', 'last', 'on base']);
    expect(statuses(result)).toEqual({
      base: 'completed',
      adds: 'completed',
      last: 'completed',
      'on base': 'completed',
      'on its own': 'completed',
    });
  });

  test.each([
    ['has a cycle', [{ id: 'x', description: 'X', dependencies: ['x'] }], 'invalid_plan'],
    [
      'needs a tool that there is not',
      [{ id: 'x', description: 'X', tools: ['t'] }],
      'invalid_plan',
    ],
    ['needs a runner', [{ id: 'x', description: 'X' }], 'missing_runner'],
  ])('that %s is not adopted, and the run stays unchanged', async (_, tasks, code) => {
    const log = await logUntil(before, completed('d'), { runner: runner() });
    const journal = await crashed(log);
    const options = code === 'missing_runner' ? { journal } : { journal, runner: runner() };
    const { result } = executor(options).resume('one', {
      plan: planOf(...tasks),
      acceptChanges: true,
    });
    await expect(result).rejects.toMatchObject({ code });
    expect(await logOf(journal, 'one')).toEqual(log);
  });
});

describe('retryFailed', () => {
  const plan = planOf(
    { id: 'a', description: 'A' },
    { id: 'b', description: 'B', retry: { maxAttempts: 2, initialDelayMs: 0 } },
    { id: 'c', description: 'C', dependencies: ['b'] },
    { id: 'd', description: 'D', dependencies: ['a', 'c'] },
  );

  test('re-runs failed tasks and their dependents with new attempts', async () => {
    const journal = memoryJournal();
    const failing = runner({ b: new RunnerError('overloaded', 'no') });
    await executor({ journal, runner: failing }).execute(plan, { runId: 'one' });
    const still = runner({ b: new RunnerError('overloaded', 'still no') });
    const second = await executor({ journal, runner: still }).resume('one', { retryFailed: true });
    expect(second.error?.message).toContain('still no');
    expect(still.asked).toEqual([
      ['b', 3, 'one/b/3'],
      ['b', 4, 'one/b/4'],
    ]);
    const fine = runner();
    const third = await executor({ journal, runner: fine }).resume('one', { retryFailed: true });
    expect(third.status).toBe('completed');
    expect(fine.asked.map(([taskId, attempt]) => [taskId, attempt])).toEqual([
      ['b', 5],
      ['c', 1],
      ['d', 1],
    ]);
    expect(third.metrics).toMatchObject({ completedTasks: 4, failedTasks: 0, skippedTasks: 0 });
    expect(taskOf(third, 'b')).toMatchObject({ attempts: 5 });
    expect(eventsOf(third, 'run_resumed')[1]).toMatchObject({
      restarted: [],
      retried: [
        { taskId: 'b', was: 'failed' },
        { taskId: 'c', was: 'skipped' },
        { taskId: 'd', was: 'skipped' },
      ],
    });
    expect(JSON.stringify((await executor({ journal }).resume('one')).metrics)).toEqual(
      JSON.stringify(third.metrics),
    );
  });

  test('has no effect on a completed run', async () => {
    const journal = memoryJournal();
    await executor({ journal, runner: runner() }).execute(chain, { runId: 'one' });
    const before = await logOf(journal, 'one');
    const { status } = await executor({ journal, runner: runner() }).resume('one', {
      retryFailed: true,
    });
    expect(status).toBe('completed');
    expect(await logOf(journal, 'one')).toEqual(before);
  });

  test('re-runs a run that was canceled during a pause', async () => {
    const journal = memoryJournal();
    const run = executor({ journal, runner: runner() }).execute(chain, { runId: 'one' });
    run.pause();
    await setImmediate();
    run.cancel();
    await run.result;
    const again = executor({ journal, runner: runner() });
    const { status, timeline } = await again.resume('one', { retryFailed: true });
    expect(status).toBe('completed');
    expect(eventsOf({ timeline }, 'run_unpaused')).toHaveLength(1);
  });

  test('re-runs after a failFast stop, a deadline and a cancellation', async () => {
    const never = { name: 'never', run: () => new Promise<never>(() => {}) };
    for (const options of [{ failFast: true }, { deadlineMs: 1 }, {}]) {
      const journal = memoryJournal();
      const tasks = planOf(
        { id: 'a', description: 'A' },
        ...(options.failFast ? [{ id: 'b', description: 'B', when: no }] : []),
      );
      const run = executor({ journal, runner: never }).execute(tasks, { runId: 'one', ...options });
      await setImmediate();
      if (Object.keys(options).length === 0) run.cancel();
      expect((await run).status).not.toBe('completed');
      const fixed = tasks.tasks.map((task) => ({
        ...task,
        ...(task.when && { when: () => true }),
      }));
      const again = executor({ journal, runner: runner() });
      const limits = { deadlineMs: 60_000 };
      const result = await again.resume('one', {
        plan: planOf(...fixed),
        retryFailed: true,
        ...limits,
      });
      expect(result.status, JSON.stringify(options)).toBe('completed');
    }
  });

  test('re-runs only the failed elements of a failed fan-out', async () => {
    let isBroken = true;
    const done: number[] = [];
    const tasks = planOf(
      {
        id: 'all',
        forEach: () => [0, 1, 2],
        run({ item }) {
          if (isBroken && item > 0) throw new Error('no');
          done.push(item);
          return item;
        },
      },
      {
        id: 'some',
        forEach: { items: () => [7, 8], minSuccess: 1 },
        run({ item }) {
          if (item === 8) throw new Error('never');
          return item;
        },
      },
      { id: 'after', dependencies: ['all'], run: ({ all }) => all.length },
    );
    const journal = memoryJournal();
    await executor({ journal }).execute(tasks, { runId: 'one' });
    expect(done).toEqual([0]);
    isBroken = false;
    const result = await executor({ journal }).resume('one', { plan: tasks, retryFailed: true });
    expect(result.status).toBe('completed');
    expect(done).toEqual([0, 1, 2]);
    expect(statuses(result)).toMatchObject({
      after: 'completed',
      some: 'completed',
      'some[1]': 'failed',
    });
  });
});
