import type { Strategy, TaskView } from '@stratagem/core';
import { Heap } from '@stratagem/core/strategy';

/**
 * Runs one task at a time, in the same order on every run: dependencies first, then the higher
 * priority, then the order of the plan.
 *
 * @example
 * const executor = createExecutor({ strategy: sequential(), runner });
 */
export function sequential(): Strategy {
  return {
    name: 'sequential',
    maxParallel: 1,
    begin() {
      const ready = new Heap<TaskView>((a, b) => b.priority - a.priority || a.index - b.index);
      let busy = false;
      return {
        ready: (task) => ready.push(task),
        // `maxParallel` is not enough: a user may raise the cap of the run.
        next() {
          if (busy) return undefined;
          const task = ready.pop();
          busy = task !== undefined;
          return task;
        },
        settled() {
          busy = false;
        },
      };
    },
  };
}
