import {
  checkFlag,
  checkLimit,
  checkOptions,
  Heap,
  type Outcome,
  type Strategy,
  type TaskView,
} from '@stratagem/core';

export interface ParallelOptions {
  /**
   * The most tasks that run at once: a whole number of at least 1, or `Infinity`.
   * @default 5
   */
  maxParallel?: number;
  /**
   * Run in strict waves: no task starts before every task of the lower levels has ended. Slower
   * than the default; for plans whose levels are phases.
   * @default false
   */
  levelBarrier?: boolean;
}

/**
 * Runs independent tasks at the same time. A task starts the moment its own dependencies are
 * done; among ready tasks the one with the longest path below it goes first, then the higher
 * priority, then the order of the plan.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * const executor = createExecutor({ strategy: parallel({ maxParallel: 10 }), runner });
 */
export function parallel(options: ParallelOptions = {}): Strategy {
  checkOptions('parallel()', options, ['maxParallel', 'levelBarrier']);
  const { maxParallel = 5, levelBarrier = false } = options;
  checkLimit('parallel()', 'maxParallel', maxParallel);
  checkFlag('parallel()', 'levelBarrier', levelBarrier);

  return {
    name: 'parallel',
    maxParallel,
    begin: levelBarrier
      ? waves
      : () => {
          const ready = new Heap<TaskView>(mostUrgentFirst);
          return { ready: (task) => ready.push(task), next: () => ready.pop() };
        },
  };
}

/** Level by level: what is ready on a higher level waits until what was started has ended. */
function waves() {
  const ready = new Heap<TaskView>((a, b) => a.level - b.level || mostUrgentFirst(a, b));
  let level = 0;
  /** Tasks that have been started and have not ended, those that wait for another attempt included. */
  const open = new Set<number>();
  return {
    ready: (task: TaskView) => ready.push(task),
    next() {
      const first = ready.peek();
      if (first === undefined) return undefined;
      const isOpen = open.has(first.index);
      if (!isOpen && first.level > level && open.size > 0) return undefined;
      level = Math.max(level, first.level);
      open.add(first.index);
      return ready.pop();
    },
    settled(task: TaskView, { retryDelayMs }: Outcome) {
      if (retryDelayMs === undefined) open.delete(task.index);
    },
  };
}

function mostUrgentFirst(a: TaskView, b: TaskView): number {
  return b.criticalPath - a.criticalPath || b.priority - a.priority || a.index - b.index;
}
