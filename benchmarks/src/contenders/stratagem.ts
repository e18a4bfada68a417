import { createExecutor, type Plan, type Task, type TaskRunner } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import type { Dag } from '../util/dag.js';
import type { Contender } from './contender.js';

function planOf(
  { size, dependencies }: Dag,
  taskOf: (id: string, dependencies: readonly string[], index: number) => Task,
): Plan {
  const tasks: Task[] = [];
  for (let index = 0; index < size; index++) {
    const mine = dependencies[index] as readonly number[];
    tasks.push(
      taskOf(
        `task-${index}`,
        mine.map((dependency) => `task-${dependency}`),
        index,
      ),
    );
  }
  return { goal: 'benchmark', tasks };
}

function planOfFunctions(dag: Dag, task: (index: number) => Promise<void>): Plan {
  return planOf(dag, (id, dependencies, index) => ({ id, dependencies, run: () => task(index) }));
}

export const stratagem: Contender = {
  name: 'stratagem',
  what: 'function tasks: plan, validation, parallel strategy, events, metrics, timeline',
  maxSize: () => 1_000_000,
  async run(dag, task, maxParallel) {
    const plan = planOfFunctions(dag, task);
    const result = await createExecutor({ strategy: parallel({ maxParallel }) }).execute(plan);
    if (result.metrics.completedTasks !== dag.size) throw new Error('a task did not complete');
  },
};

export const stratagemTimeline: Contender = {
  name: 'stratagem (timeline read)',
  what: 'the same, and every event of the timeline is read',
  maxSize: () => 1_000_000,
  async run(dag, task, maxParallel) {
    const plan = planOfFunctions(dag, task);
    const result = await createExecutor({ strategy: parallel({ maxParallel }) }).execute(plan);
    if (result.timeline.length !== 2 * dag.size + 3) throw new Error('the timeline is incomplete');
  },
};

export const stratagemRunner: Contender = {
  name: 'stratagem (runner)',
  what: 'the same with a TaskRunner, including a prompt for every task',
  maxSize: () => 1_000_000,
  async run(dag, task, maxParallel) {
    const runner: TaskRunner = {
      name: 'no-op',
      async run({ metadata }) {
        await task(metadata.index as number);
        return { output: 'done' };
      },
    };
    const plan = planOf(dag, (id, dependencies, index) => {
      return { id, dependencies, description: 'Do nothing', metadata: { index } };
    });
    const result = await createExecutor({ strategy: parallel({ maxParallel }), runner }).execute(
      plan,
    );
    if (result.status !== 'completed') throw result.error;
  },
};
