import type { Outcome, Strategy, TaskView } from '@stratagem/core';
import { Heap } from '@stratagem/core/strategy';

/** The defaults recommended by its documentation. */
const MAX_PARALLEL = 5;
const THRESHOLD = 0.5;

/**
 * The adaptive strategy of the Go library that Stratagem's terms come from, as documented (its code never
 * leaves the sequential mode). It runs level by level, the first one sequentially. After each level it
 * chooses the mode of the next. It switches to parallel when there are several tasks and the expected
 * efficiency, which it assumes to be 1, is above the threshold. It switches back when the efficiency,
 * work / (wall time × tasks), is below the threshold.
 */
export function original(): Strategy {
  return {
    name: 'original',
    maxParallel: MAX_PARALLEL,
    begin(run) {
      const ready = new Heap<TaskView>((a, b) => a.level - b.level || a.index - b.index);
      /** Tasks of this level that have started and not ended, including those that wait for a retry. */
      const open = new Set<number>();
      let parallel = false;
      let level = 0;
      let tasks = 0;
      let workMs = 0;
      let beganAt: number | undefined;

      const endLevel = (next: number, now: number) => {
        const efficiency = parallel ? workMs / ((now - (beganAt ?? now)) * tasks) : 1;
        const several = run.ready > 1;
        if (parallel && efficiency < THRESHOLD) parallel = false;
        else if (!parallel && several && efficiency > THRESHOLD) parallel = true;
        level = next;
        tasks = 0;
        workMs = 0;
        beganAt = undefined;
      };

      return {
        ready: (task) => ready.push(task),
        next(now) {
          const first = ready.peek();
          if (first === undefined) return undefined;
          const again = open.has(first.index);
          if (!again && first.level > level) {
            if (open.size > 0) return undefined;
            endLevel(first.level, now);
          }
          if (!parallel && run.running > 0) return undefined;
          if (!parallel && !again && open.size > 0) return undefined;
          beganAt ??= now;
          if (!again) tasks++;
          open.add(first.index);
          return ready.pop();
        },
        settled(task: TaskView, { latencyMs, retryDelayMs }: Outcome) {
          workMs += latencyMs;
          if (retryDelayMs === undefined) open.delete(task.index);
        },
      };
    },
  };
}
