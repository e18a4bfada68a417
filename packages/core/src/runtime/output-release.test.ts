// Loaded here, so that no test waits for it.
import './output-release.js';
import { describe, expect, test } from 'vitest';
import { deferred, execute, inOrder, planOf, taskOf } from '../../test/runs.js';
import { createExecutor, memoryJournal, PlanError } from '../index.js';

const final = { outputs: 'final' } as const;
const big = (text: string) => ({ text });

describe("outputs: 'final'", () => {
  test('keeps the outputs of tasks that nothing depends on, and says which were dropped', async () => {
    const result = await execute(
      planOf(
        { id: 'a', run: async () => big('a') },
        { id: 'b', dependencies: ['a'], run: async ({ a }) => big(`${a.text}b`) },
        { id: 'c', dependencies: ['a', 'b'], run: async ({ a, b }) => big(a.text + b.text) },
        { id: 'alone', run: () => 1 },
      ),
      final,
    );
    expect({ ...result.outputs }).toEqual({ c: big('aab'), alone: 1 });
    const released = result.tasks.filter(({ outputReleased }) => outputReleased);
    expect(released.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(taskOf(result, 'a')).toMatchObject({ status: 'completed', attempts: 1 });
    expect(taskOf(result, 'a').output).toBeUndefined();
  });

  test('gives every output to listeners and to the journal, so that the run can be resumed', async () => {
    const journal = memoryJournal();
    const heard: unknown[] = [];
    const plan = planOf(
      { id: 'a', run: async () => big('a') },
      { id: 'b', dependencies: ['a'], run: async () => 'b' },
    );
    const run = execute(plan, {
      ...final,
      journal,
      onEvent: (event) => event.type === 'task_completed' && heard.push(event.output),
    });
    await run;
    expect(heard).toEqual([big('a'), 'b']);
    const again = await createExecutor({ strategy: inOrder, journal }).resume(run.runId);
    expect({ ...again.outputs }).toEqual({ a: big('a'), b: 'b' });
  });

  test('keeps what groups, fan-outs, conditions and the goal still need', async () => {
    const { outputs, goalProgress, status } = await execute(
      {
        goal: 'x',
        goalState: { criteria: [{ path: 'outputs.list.length', operator: '==', value: 9 }] },
        tasks: [
          { id: 'list', run: async () => [1, 2] },
          {
            id: 'each',
            dependencies: ['list'],
            forEach: 'list',
            run: async ({ item, list }) => item + list.length,
          },
          {
            id: 'group',
            dependencies: ['each'],
            subtasks: [
              { id: 'in', run: async () => 'in' },
              { id: 'out', dependencies: ['in'], run: async ({ in: got }) => `${got}out` },
            ],
          },
          {
            id: 'not',
            dependencies: ['each'],
            when: { path: 'each[0].output', operator: '==', value: 0 },
            run: () => 1,
          },
          { id: 'end', dependencies: ['group', 'not'], run: async ({ group }) => group },
        ],
      },
      final,
    );
    expect(status).toBe('failed');
    expect(goalProgress?.criteria[0]?.actual).toBe(2);
    expect({ ...outputs }).toEqual({ list: [1, 2], end: { in: 'in', out: 'inout' } });
  });

  test('keeps what failed tasks need when they are done once more', async () => {
    const journal = memoryJournal();
    let isBroken = true;
    const plan = planOf(
      { id: 'a', run: async () => 'a' },
      {
        id: 'b',
        dependencies: ['a'],
        async run({ a }) {
          if (isBroken) throw new Error('no');
          return `${a}b`;
        },
      },
    );
    const executor = createExecutor({ strategy: inOrder, journal, ...final });
    const run = executor.execute(plan);
    expect((await run).status).toBe('failed');
    isBroken = false;
    const again = await executor.resume(run.runId, { plan, retryFailed: true });
    expect({ ...again.outputs }).toEqual({ b: 'ab' });
  });

  test('refuses an added task that needs a dropped output', async () => {
    const gate = deferred();
    const run = execute(
      planOf(
        { id: 'a', run: async () => 'a' },
        { id: 'b', dependencies: ['a'], run: async () => 'b' },
        { id: 'wait', dependencies: ['b'], run: () => gate.promise },
      ),
      final,
    );
    for await (const event of run) {
      if (event.type === 'task_started' && event.taskId === 'wait') break;
    }
    await new Promise((resolve) => setTimeout(resolve, 0));
    const task = { id: 'late', dependencies: ['a'], run: () => 1 };
    expect(() => run.addTasks([task])).toThrow(PlanError);
    expect(() => run.addTasks([task])).toThrow('the output of "a", which was dropped');
    gate.resolve();
    expect((await run).status).toBe('completed');
  });

  test('cannot be used with replan, or be anything else', () => {
    const plan = planOf({ id: 'a', run: () => 1 });
    const replan = { revise: async () => [] };
    expect(() => execute(plan, { ...final, replan })).toThrow('cannot be used with replan');
    expect(() => execute(plan, { outputs: 'last' as never })).toThrow("must be 'all' or 'final'");
  });
});
