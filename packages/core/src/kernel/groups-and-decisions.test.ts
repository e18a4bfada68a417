import { describe, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { echo } from '../../test/groups.js';
import {
  deferred,
  eventsOf,
  execute,
  messagesOf,
  no,
  planOf,
  problemsOf,
  runnerOf,
  statuses,
  taskOf,
} from '../../test/runs.js';
import type { PlanResult, RunHandle, Task } from '../index.js';

function startsOf(result: Pick<PlanResult, 'timeline'>): string[] {
  return eventsOf(result, 'task_started').map(({ taskId }) => taskId);
}

describe('subtasks', () => {
  test('wait for their own dependencies and for those of their parents', async () => {
    const result = await execute(
      planOf(
        {
          id: 'group',
          dependencies: ['first'],
          subtasks: [
            echo('a', 'inner', 'outside'),
            { id: 'deep', dependencies: ['b'], subtasks: [echo('inner', 'b', 'first')] },
            echo('b'),
          ],
        },
        echo('outside', 'first'),
        echo('first'),
      ),
    );
    expect(result.status).toBe('completed');
    expect(startsOf(result)).toEqual(['first', 'outside', 'b', 'inner', 'a']);
    expect(result.outputs.inner).toEqual({ b: {}, first: {} });
    expect(result.outputs.group).toEqual({
      a: { inner: result.outputs.inner, outside: { first: {} } },
      deep: { inner: result.outputs.inner },
      b: {},
    });
  });

  test('run at once where the cap allows', async () => {
    const gates = [deferred(), deferred()];
    const run = execute(
      planOf({
        id: 'group',
        subtasks: [0, 1].map((n) => ({
          id: `${n}`,
          run() {
            gates[1 - n]?.resolve();
            return gates[n]?.promise;
          },
        })),
      }),
      { maxParallel: 2 },
    );
    expect((await run).status).toBe('completed');
  });

  test('may be dependencies: a dependent of one does not wait for the rest', async () => {
    const gate = deferred();
    const result = await execute(
      planOf(
        { id: 'group', subtasks: [echo('quick'), { id: 'slow', run: () => gate.promise }] },
        { id: 'after', dependencies: ['quick'], run: () => gate.resolve() },
      ),
    );
    expect(statuses(result)).toMatchObject({ after: 'completed', group: 'completed' });
  });

  test('have levels, and a parent that is never started itself', async () => {
    const result = await execute(
      planOf(echo('a'), {
        id: 'group',
        dependencies: ['a'],
        subtasks: [echo('b'), echo('c', 'b')],
      }),
    );
    expect(result.tasks.map(({ id, level, parentId }) => [id, level, parentId])).toEqual([
      ['a', 0, undefined],
      ['group', 1, undefined],
      ['b', 1, 'group'],
      ['c', 2, 'group'],
    ]);
    expect(taskOf(result, 'group')).toMatchObject({ attempts: 0 });
    expect(eventsOf(result, 'task_completed').at(-1)).toMatchObject({
      taskId: 'group',
      attempt: 0,
    });
    expect(result.metrics).toMatchObject({ attempts: 3, completedTasks: 4, totalTasks: 4 });
  });

  test('that are an empty list do not make a group', async () => {
    const { runner, requests } = runnerOf();
    const { outputs } = await execute(planOf({ id: 'a', description: 'x', subtasks: [] }), {
      runner,
    });
    expect(outputs.a).toBe('x');
    expect(requests.size).toBe(1);
    expect(messagesOf(() => execute(planOf({ id: 'a', subtasks: [] })))).toEqual([
      expect.stringContaining('is missing'),
    ]);
  });

  test('nest up to maxDepth, set by the executor or the run', async () => {
    const nest = (depth: number): Task =>
      depth === 1 ? echo('1') : { id: `${depth}`, subtasks: [nest(depth - 1)] };
    const plan = planOf(nest(30));
    expect(problemsOf(() => execute(plan, { maxDepth: 29 }))).toEqual([
      {
        code: 'too_deep',
        path: ['tasks', 0, ...Array.from({ length: 28 }, () => ['subtasks', 0]).flat(), 'subtasks'],
        message: 'is nested deeper than maxDepth, which is 29',
      },
    ]);
    const result = await execute(plan, { maxDepth: 30 });
    expect(result.status).toBe('completed');
    expect(result.metrics.attempts).toBe(1);
    const { status } = await execute(plan, { maxDepth: Number.POSITIVE_INFINITY });
    expect(status).toBe('completed');
  });

  test.each<[string, Task[], string]>([
    ['their parent', [{ id: 'p', subtasks: [echo('a', 'p')] }], 'p → a → p'],
    [
      'their parent’s parent',
      [{ id: 'g', subtasks: [{ id: 'p', subtasks: [echo('a', 'g')] }] }],
      'g → p → a → g',
    ],
    ['what waits for the parent', [{ id: 'p', subtasks: [echo('a', 'x')] }, echo('x', 'p')], 'p'],
    ['each other', [{ id: 'p', subtasks: [echo('a', 'b'), echo('b', 'a')] }], 'a → b → a'],
    [
      'subtasks of a parent that waits for them',
      [{ id: 'p', dependencies: ['a'], subtasks: [echo('a')] }],
      'p',
    ],
    [
      'a group that waits for theirs',
      [
        { id: 'p', subtasks: [echo('a', 'q'), echo('b')] },
        { id: 'q', subtasks: [echo('c', 'p'), echo('d', 'c')] },
      ],
      'p → a → q → c → p',
    ],
  ])('cannot wait for %s', (_, tasks, path) => {
    const problems = problemsOf(() => execute(planOf(...tasks)));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ code: 'cycle', message: expect.stringContaining(path) });
  });

  test('of two groups may depend on each other’s members without a cycle', async () => {
    const result = await execute(
      planOf(
        { id: 'p', subtasks: [echo('a', 'd'), echo('b')] },
        { id: 'q', subtasks: [echo('c', 'b'), echo('d', 'c')] },
      ),
    );
    expect(startsOf(result)).toEqual(['b', 'c', 'd', 'a']);
  });
});

describe('a parent that runs itself', () => {
  test('receives its dependencies and direct subtasks, in the order of the plan', async () => {
    const { runner, requests } = runnerOf();
    const plan = planOf(echo('before'), {
      id: 'sum',
      type: 'aggregate',
      dependencies: ['before'],
      description: 'Sum up',
      subtasks: [
        { id: '2', run: () => 'two' },
        { id: '1', subtasks: [{ id: 'deep', run: () => 'deep' }] },
      ],
    });
    await execute(plan, { runner });
    const { inputs, prompt } = requests.get('sum') as { inputs: object; prompt: string };
    expect(inputs).toEqual({ before: {}, 2: 'two', 1: { deep: 'deep' } });
    expect([...prompt.matchAll(/<output task="(.*)">/g)].map(([, id]) => id)).toEqual([
      'before',
      '2',
      '1',
    ]);
  });

  test('may have a prompt function, a schema and retries, which do not repeat subtasks', async () => {
    const below = vi.fn(() => 1);
    let asked = 0;
    const result = await execute(
      planOf({
        id: 'sum',
        type: 'aggregate',
        prompt: ({ a }) => `${a} and more`,
        outputSchema: z.object({ total: z.number() }),
        retry: { on: ['invalid_output'], initialDelayMs: 0 },
        subtasks: [{ id: 'a', run: below }],
      }),
      {
        runner: {
          name: 'test',
          async run({ prompt }) {
            expect(prompt).toMatch(/^1 and more\n/);
            return { output: ++asked === 1 ? 'no JSON' : '{"total": 3}' };
          },
        },
      },
    );
    expect(taskOf(result, 'sum')).toMatchObject({ output: { total: 3 }, attempts: 2 });
    expect(below).toHaveBeenCalledTimes(1);
  });

  test('does not run when a subtask fails, and names it', async () => {
    const run = vi.fn();
    const result = await execute(
      planOf(
        {
          id: 'group',
          run,
          subtasks: [{ id: 'inner', subtasks: [{ id: 'a', run: no }, echo('b', 'a')] }],
        },
        echo('after', 'group'),
        echo('aside', 'inner'),
      ),
    );
    expect(run).not.toHaveBeenCalled();
    expect(statuses(result)).toEqual({
      group: 'failed',
      inner: 'failed',
      a: 'failed',
      b: 'skipped',
      after: 'skipped',
      aside: 'skipped',
    });
    expect(taskOf(result, 'inner').error).toMatchObject({ code: 'subtasks_failed' });
    expect(taskOf(result, 'inner').error?.message).toBe(
      'Task "inner" failed: 2 of its 2 subtasks did not complete. Task "a" failed: no',
    );
    // One failure counts, although three tasks have failed.
    expect(result.error?.message).toBe('The run failed. Task "a" failed: no');
  });

  test('may fail by itself', async () => {
    const result = await execute(planOf({ id: 'group', run: no, subtasks: [echo('a')] }));
    expect(taskOf(result, 'group')).toMatchObject({ status: 'failed', attempts: 1 });
    expect(result.error?.message).toBe('The run failed. Task "group" failed: no');
  });
});

describe('a group', () => {
  test('whose dependency fails is skipped with all its subtasks', async () => {
    const result = await execute(
      planOf(
        { id: 'broken', run: no },
        {
          id: 'group',
          dependencies: ['broken'],
          subtasks: [echo('a'), { id: 'inner', subtasks: [echo('b')] }],
        },
        echo('after b', 'b'),
      ),
    );
    for (const id of ['group', 'a', 'inner', 'b', 'after b']) {
      expect(taskOf(result, id)).toMatchObject({
        status: 'skipped',
        reason: 'dependency_failed',
        failedTaskId: 'broken',
      });
    }
  });

  test('that fails does not affect dependents of its completed subtasks', async () => {
    const result = await execute(
      planOf({ id: 'group', subtasks: [{ id: 'a', run: no }, echo('b')] }, echo('after b', 'b')),
    );
    expect(statuses(result)).toMatchObject({ group: 'failed', 'after b': 'completed' });
  });

  test('with failFast stops at the first subtask that fails', async () => {
    const result = await execute(
      planOf({ id: 'group', subtasks: [{ id: 'a', run: no }, echo('b')] }, echo('c', 'b')),
      { failFast: true, maxParallel: 1 },
    );
    expect(statuses(result)).toEqual({ group: 'skipped', a: 'failed', b: 'skipped', c: 'skipped' });
    expect(taskOf(result, 'group').reason).toBe('fail_fast');
  });

  test('that is not chosen is skipped as a whole, also for dependents of its subtasks', async () => {
    const result = await execute(
      planOf(
        {
          id: 'group',
          when: () => false,
          subtasks: [echo('a'), { id: 'inner', subtasks: [echo('b', 'a')] }],
        },
        echo('after b', 'b'),
        echo('sure'),
        echo('join', 'after b', 'sure'),
      ),
    );
    expect(result.status).toBe('completed');
    for (const id of ['group', 'a', 'inner', 'b', 'after b']) {
      expect(taskOf(result, id)).toMatchObject({ status: 'skipped', reason: 'condition_false' });
    }
    expect(result.outputs.join).toEqual({ sure: {} });
  });

  test('whose condition throws fails, and its subtasks never start', async () => {
    const result = await execute(planOf({ id: 'group', when: no, subtasks: [echo('a')] }));
    expect(statuses(result)).toEqual({ group: 'failed', a: 'skipped' });
    expect(taskOf(result, 'a')).toMatchObject({
      reason: 'dependency_failed',
      failedTaskId: 'group',
    });
    expect(result.error?.message).toBe('The run failed. Task "group" failed: no');
  });

  test('is complete without subtasks that were not chosen', async () => {
    const result = await execute(
      planOf(
        {
          id: 'some',
          run: (inputs) => ({ ...inputs }),
          subtasks: [echo('a'), { ...echo('b'), when: () => false }],
        },
        { id: 'none', subtasks: [{ ...echo('c'), when: () => false }, echo('d', 'c')] },
        echo('after', 'none'),
      ),
    );
    expect(result.status).toBe('completed');
    expect(result.outputs).toMatchObject({ some: { a: {} }, none: {}, after: { none: {} } });
    expect(result.outputs.some).not.toHaveProperty('b');
  });

  test('may contain human steps and fan-outs', async () => {
    const run: RunHandle = execute(
      planOf({
        id: 'group',
        subtasks: [
          { id: 'ok', description: 'Ok?', waitFor: 'approval' },
          { id: 'list', dependencies: ['ok'], run: () => [1, 2] },
          { id: 'each', dependencies: ['list'], forEach: 'list', run: ({ item }) => -item },
        ],
      }),
      { onEvent: (event) => void (event.type === 'task_waiting' && run.approve(event.taskId)) },
    );
    const { outputs } = await run;
    expect(outputs.group).toMatchObject({ ok: true, each: [{ output: -1 }, { output: -2 }] });
  });

  test('may have an id like that of an object property', async () => {
    const { outputs } = await execute(
      planOf(
        { id: '__proto__', subtasks: [{ id: 'constructor', run: () => 1 }] },
        echo('x', '__proto__', 'constructor'),
      ),
    );
    expect(Object.keys(outputs.x as object)).toEqual(['__proto__', 'constructor']);
    expect(Object.keys(outputs)).toContain('__proto__');
  });
});
