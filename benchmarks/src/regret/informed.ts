import type { Strategy, TaskView } from '@stratagem/core';
import { Heap } from '@stratagem/core/strategy';

/** The concurrency before the first answer. This value has the lowest worst-case regret. */
const START = 16;

/**
 * A yardstick, not a contender: it knows the best setting after the first answer. Its regret is the cost
 * of knowing nothing before, which no strategy can avoid.
 */
export function informed(bestFixed: number): Strategy {
  return {
    name: 'informed',
    maxParallel: Math.max(START, bestFixed),
    begin(run) {
      const ready = new Heap<TaskView>(
        (a, b) => b.criticalPath - a.criticalPath || a.index - b.index,
      );
      let limit = START;
      return {
        ready: (task) => ready.push(task),
        next: () => (run.running < limit ? ready.pop() : undefined),
        settled() {
          limit = bestFixed;
        },
      };
    },
  };
}
