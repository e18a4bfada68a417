import type { Strategy, TaskView } from '@stratagem/core';
import { checkLimit, checkOptions, Heap } from '@stratagem/core/strategy';

export interface MyPartOptions {
  /**
   * The maximum number of tasks that run at the same time.
   * @default 5
   */
  readonly maxParallel?: number | undefined;
}

/**
 * Starts the task first that the longest chain of other tasks waits for. Change `isBefore` to choose in
 * another way: by `task.priority`, `task.estimate`, `task.level`, `task.type`.
 */
export function myPart(options: MyPartOptions = {}): Strategy {
  checkOptions('myPart()', options, ['maxParallel']);
  const { maxParallel = 5 } = options;
  checkLimit('myPart()', 'maxParallel', maxParallel);
  return {
    name: 'my-part',
    maxParallel,
    begin() {
      const ready = new Heap<TaskView>(isBefore);
      return { ready: (task) => ready.push(task), next: () => ready.pop() };
    },
  };
}

/** Negative when `a` starts first. Of equal tasks, the earlier one of the plan does. */
function isBefore(a: TaskView, b: TaskView): number {
  return b.criticalPath - a.criticalPath || a.index - b.index;
}
