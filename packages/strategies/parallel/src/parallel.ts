import type { Outcome, Strategy, TaskView } from '@stratagem/core';
import { checkFlag, checkLimit, checkOptions, Heap, ReadyTasks } from '@stratagem/core/strategy';

export interface ParallelOptions {
  /**
   * The most tasks that run at once: an integer ≥ 1, or `Infinity`.
   * @default 5
   */
  maxParallel?: number | undefined;
  /**
   * Run in strict waves: no task starts before all tasks of lower levels have ended. This is slower
   * than the default and meant for plans whose levels are phases.
   * @default false
   */
  levelBarrier?: boolean | undefined;
}

/**
 * Runs independent tasks at the same time. A task starts as soon as its own dependencies have
 * ended. Among ready tasks, the one with the longest path below it starts first, then the one with
 * the higher priority, then the first one in the plan.
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
      ? levelByLevel
      : (run) => {
          const hasCaps = run.cappedResources.size > 0;
          const ready = hasCaps ? new ReadyTasks(run, byPriority) : new Heap(byPriority);
          return { ready: ready.push.bind(ready), next: ready.pop.bind(ready) };
        },
  };
}

/** Level by level: a ready task of a higher level waits until all started tasks have ended. */
function levelByLevel() {
  const ready = new Heap<TaskView>((a, b) => a.level - b.level || byPriority(a, b));
  let level = 0;
  /** Tasks that have started and not ended, including those that wait for a retry. */
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

function byPriority(a: TaskView, b: TaskView): number {
  return b.criticalPath - a.criticalPath || b.priority - a.priority || a.index - b.index;
}
