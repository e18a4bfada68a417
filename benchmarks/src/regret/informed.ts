import { Heap, type Strategy, type TaskView } from '@stratagem/core';

/** How much it runs at once before the first answer; of all starts, the one with the lowest worst. */
const START = 16;

/**
 * A yardstick, and no contender: it is told the best setting when the first answer comes. What it
 * loses is lost by not knowing anything before, which no strategy can help.
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
