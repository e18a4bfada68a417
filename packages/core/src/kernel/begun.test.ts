import { describe, expect, test } from 'vitest';
import { kernelOf, planOf } from '../../test/kernels.js';
import type { Outcome, Strategy } from '../contract/strategy.js';
import { Heap } from '../util/heap.js';
import type { Kernel } from './kernel.js';

const TASKS = 40;
const TASK_MS = 200;
const WORKERS = 2;

/** Runs started attempts on two workers behind a queue, in virtual time. */
function driveThroughQueue(kernel: Kernel): void {
  const queue: { index: number; attempt: number }[] = [];
  const due = new Heap<{ at: number; index: number; attempt: number }>(
    (a, b) => a.at - b.at || a.index - b.index,
  );
  let now = 0;
  kernel.start(now);
  while (!kernel.ended) {
    for (const command of kernel.commands.splice(0)) {
      if (command.type === 'start') queue.push(command);
    }
    while (due.size < WORKERS && queue.length > 0) {
      const { index, attempt } = queue.shift() as { index: number; attempt: number };
      kernel.begun(index, attempt, now);
      due.push({ at: now + TASK_MS, index, attempt });
    }
    const next = due.peek();
    if (next === undefined || kernel.nextWake < next.at) {
      now = kernel.nextWake;
      kernel.wake(now);
    } else {
      due.pop();
      now = next.at;
      kernel.completed(next.index, next.attempt, { output: next.index }, now);
    }
  }
}

function queuedRun(beginsLater: boolean) {
  const outcomes: Outcome[] = [];
  const strategy: Strategy = {
    name: 'measuring',
    begin() {
      const ready = new Heap<Parameters<NonNullable<ReturnType<Strategy['begin']>['ready']>>[0]>(
        (a, b) => a.index - b.index,
      );
      return {
        ready: (task) => ready.push(task),
        next: () => ready.pop(),
        settled: (_, outcome) => void outcomes.push(outcome),
      };
    },
  };
  const ids = Array.from({ length: TASKS }, (_, index) => [`t${index}`, []] as [string, string[]]);
  const { kernel } = kernelOf(planOf(Object.fromEntries(ids)), {
    strategy,
    timeoutMs: 1_000,
    maxParallel: TASKS,
    beginsLater,
  });
  driveThroughQueue(kernel);
  return { kernel, outcomes };
}

describe('an attempt that waits in a queue', () => {
  test('is not timed out for the time before it began', () => {
    const { kernel } = queuedRun(true);
    expect(kernel.state.status).toBe('completed');
    expect(kernel.state.completed).toBe(TASKS);
  });

  test('is measured from the moment it began, for the log and for the strategy', () => {
    const { kernel, outcomes } = queuedRun(true);
    const ends = kernel.log.events().filter((event) => event.type === 'task_completed');
    expect(new Set(ends.map(({ durationMs }) => durationMs))).toEqual(new Set([TASK_MS]));
    expect(new Set(outcomes.map(({ latencyMs }) => latencyMs))).toEqual(new Set([TASK_MS]));
  });

  test('is timed out where attempts begin when they start', () => {
    const { kernel } = queuedRun(false);
    expect(kernel.state.failed).toBeGreaterThan(20);
  });

  test('is timed out when it takes too long after it began', () => {
    const { kernel, events } = kernelOf(planOf({ a: [] }), { timeoutMs: 50, beginsLater: true });
    kernel.start(0);
    expect(kernel.nextWake).toBe(Number.POSITIVE_INFINITY);
    expect(kernel.begun(0, 1, 500)).toBe(true);
    expect(kernel.begun(0, 1, 510)).toBe(false);
    expect(kernel.nextWake).toBe(550);
    kernel.wake(550);
    expect(events().at(-2)).toMatchObject({ type: 'task_failed', durationMs: 50 });
  });
});
