import { describe, expect, test } from 'vitest';
import { lastFirst, runnerOf } from '../../test/runs.js';
import { asyncTimeRatio } from '../../test/time-ratio.js';
import type { Plan } from '../contract/plan.js';
import type { TaskRunner } from '../contract/runner.js';
import type { Task } from '../contract/task.js';
import { createExecutor, memoryJournal } from '../index.js';

const SIZE = 3_000;

function list(size: number): Task[] {
  return Array.from({ length: size }, (_, n) => ({ id: `task ${n}`, description: 'x' }));
}

/** Many tasks and one that depends on all of them. */
function fanIn(size: number, description: string): Plan {
  const tasks = list(size);
  return { goal: 'x', tasks: [...tasks, { id: 'all', description, dependencies: ids(tasks) }] };
}

/** One task and many that depend on it. */
function fanOut(size: number, description: string): Plan {
  const dependents = list(size).map((task) => ({ ...task, dependencies: ['one'] }));
  return { goal: 'x', tasks: [{ id: 'one', description }, ...dependents] };
}

function ids(tasks: readonly Task[]): string[] {
  return tasks.map(({ id }) => id);
}

function allReferences(size: number): string {
  return list(size)
    .map(({ id }) => `{{${id}}}`)
    .join(' ');
}

function executorWith(answers: Record<string, unknown> = {}) {
  const { runner } = runnerOf(answers);
  return createExecutor({ strategy: lastFirst, runner, journal: memoryJournal() });
}

describe('execute: twice the size takes about twice the work', () => {
  const executor = createExecutor({ strategy: lastFirst, runner: runnerOf().runner });

  test('for tasks that one attempt adds one by one', async () => {
    const ratio = await asyncTimeRatio(SIZE, (size) => {
      const run: Task['run'] = (_, { addTasks }) => {
        for (const task of list(size)) addTasks([task]);
      };
      return () => executor.execute({ goal: 'x', tasks: [{ id: 'adder', run }] });
    });
    expect(ratio).toBeLessThan(3);
  });

  test('for a chain of tasks that one attempt adds one by one', async () => {
    const short: TaskRunner = { name: 'short', run: async () => ({ output: 'x' }) };
    const executor = createExecutor({ strategy: lastFirst, runner: short });
    const ratio = await asyncTimeRatio(SIZE, (size) => {
      const run: Task['run'] = (_, { addTasks }) => {
        let before = 'adder';
        for (const task of list(size)) {
          addTasks([{ ...task, dependencies: [before] }]);
          before = task.id;
        }
      };
      return () => executor.execute({ goal: 'x', tasks: [{ id: 'adder', run }] });
    });
    expect(ratio).toBeLessThan(3);
  });

  test('for a task with many dependencies', async () => {
    const ratio = await asyncTimeRatio(SIZE, (size) => {
      const plan = fanIn(size, 'x');
      return () => executor.execute(plan);
    });
    expect(ratio).toBeLessThan(3);
  });

  test('for a task with many dependencies and a reference to each', async () => {
    const ratio = await asyncTimeRatio(SIZE, (size) => {
      const plan = fanIn(size, allReferences(size));
      return () => executor.execute(plan);
    });
    expect(ratio).toBeLessThan(3);
  });
});

describe('explain: twice the size takes about twice the work', () => {
  test('for a task with many dependencies and a reference to each', async () => {
    const ratio = await asyncTimeRatio(SIZE / 2, async (size) => {
      const executor = executorWith();
      const plan = fanIn(size, allReferences(size));
      await executor.execute(plan);
      return () => executor.explain(plan);
    });
    expect(ratio).toBeLessThan(3);
  });

  test('for a changed task with many dependents', async () => {
    const ratio = await asyncTimeRatio(SIZE, async (size) => {
      const executor = executorWith();
      await executor.execute(fanOut(size, 'before'));
      return () => executor.explain(fanOut(size, 'after'));
    });
    expect(ratio).toBeLessThan(3);
  });

  test('for a reused output that is as long as the list of its dependents', async () => {
    const run = () => 1;
    const ratio = await asyncTimeRatio(SIZE / 2, async (size) => {
      const executor = executorWith({ one: Array.from({ length: size }, (_, n) => n) });
      const { goal, tasks } = fanOut(size, 'x');
      const [one, ...dependents] = tasks as [Task, ...Task[]];
      // Functions are never reused, so that explain() compares their inputs.
      const functions = dependents.map(({ id, dependencies }) => ({ id, dependencies, run }));
      const plan = { goal, tasks: [one, ...functions] } as Plan;
      await executor.execute(plan);
      return () => executor.explain(plan);
    });
    expect(ratio).toBeLessThan(3);
  });

  test('for tasks that an earlier run added', async () => {
    const ratio = await asyncTimeRatio(SIZE, async (size) => {
      const executor = executorWith();
      const run: Task['run'] = (_, { addTasks }) => {
        for (const task of list(size)) addTasks([task]);
      };
      const plan: Plan = { goal: 'x', tasks: [{ id: 'adder', run }] };
      await executor.execute(plan);
      return () => executor.explain(plan);
    });
    expect(ratio).toBeLessThan(3);
  });
});
