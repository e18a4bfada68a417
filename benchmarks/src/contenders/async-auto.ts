import { auto } from 'async';
import type { Contender } from './contender.js';

export const asyncAuto: Contender = {
  name: 'async.auto',
  what: 'an object of functions with the names of their dependencies',
  maxSize: () => 1_000,
  async run({ size, dependencies }, task, maxParallel) {
    const tasks: Record<string, unknown> = {};
    for (let index = 0; index < size; index++) {
      const names = (dependencies[index] as readonly number[]).map(
        (dependency) => `task-${dependency}`,
      );
      tasks[`task-${index}`] = [...names, async () => task(index)];
    }
    await auto(tasks as Parameters<typeof auto>[0], maxParallel);
  },
};
