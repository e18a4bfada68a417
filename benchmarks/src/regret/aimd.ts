import type { Strategy, TaskView } from '@stratagem/core';
import { Heap } from '@stratagem/core/strategy';

/**
 * Additive increase, multiplicative decrease, as in textbooks: one more at once per round of
 * successes; half as many after a refusal, failure or timeout, at most once per round.
 */
export function aimd(maxParallel = 128): Strategy {
  return {
    name: 'aimd',
    maxParallel,
    begin(run) {
      const ready = new Heap<TaskView>(
        (a, b) => b.criticalPath - a.criticalPath || a.index - b.index,
      );
      let limit = 1;
      /** Attempts that started before the last decrease; they say nothing about the lower limit. */
      let outdated = 0;
      return {
        ready: (task) => ready.push(task),
        next: () => (run.running < Math.floor(limit) ? ready.pop() : undefined),
        settled(_task, { ok }) {
          if (ok) limit = Math.min(maxParallel, limit + 1 / limit);
          else if (outdated <= 0) {
            limit = Math.max(1, limit / 2);
            outdated = run.running;
            return;
          }
          outdated--;
        },
      };
    },
  };
}
