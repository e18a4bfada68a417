import { expect, test } from 'vitest';
import { byIndex } from '../../test/kernels.js';
import { OptionError } from '../contract/errors.js';
import { ReadyTasks } from '../contract/ready-tasks.js';
import type { ResourceLimits } from '../contract/resource-limit.js';
import type { Strategy } from '../contract/strategy.js';
import type { Task } from '../contract/task.js';
import { simulate } from '../simulate/simulate.js';
import type { PlanResult } from '../state/result.js';

/** The longest path first. */
const criticalFirst: Strategy = {
  name: 'critical-first',
  begin(run) {
    const ready = new ReadyTasks(
      run,
      (a, b) => b.criticalPath - a.criticalPath || a.index - b.index,
    );
    return { ready: (task) => ready.push(task), next: () => ready.pop() };
  },
};

/** Tasks of one resource, which is the part of their ids before the dash. */
function tasks(resource: string, count: number, durationMs: number): Task[] {
  return Array.from({ length: count }, (_, n) => ({
    id: `${resource}-${n}`,
    description: 'x',
    estimate: { durationMs },
  }));
}

const resourceOf = ({ id }: Task) => id.split('-')[0] as string;

function run(
  list: readonly Task[],
  resources: ResourceLimits | undefined,
  maxParallel: number,
  strategy = byIndex,
): PlanResult {
  const options = { strategy, maxParallel, resourceOf, resources };
  return simulate({ goal: 'x', tasks: list }, options);
}

function endOf({ timeline }: PlanResult, resource: string): number {
  const ends = timeline.flatMap((event) =>
    event.type === 'task_completed' && event.taskId.startsWith(resource) ? event.timestamp : [],
  );
  return Math.max(...ends);
}

function peakOf({ timeline }: PlanResult, resource: string): number {
  let [running, peak] = [0, 0];
  for (const event of timeline) {
    if (!('taskId' in event) || !event.taskId?.startsWith(resource)) continue;
    if (event.type === 'task_started') peak = Math.max(peak, ++running);
    if (event.type === 'task_completed') running--;
  }
  return peak;
}

for (const strategy of [byIndex, criticalFirst]) {
  test(`tasks of a full resource do not hold up the others (${strategy.name})`, () => {
    const list = [...tasks('slow', 20, 500), ...tasks('fast', 10, 50)];
    const free = run(list, undefined, 4, strategy);
    expect(endOf(free, 'fast')).toBeGreaterThan(2_500);
    const capped = run(list, { slow: { maxParallel: 2 } }, 4, strategy);
    expect(endOf(capped, 'fast')).toBe(250);
    expect(peakOf(capped, 'slow')).toBe(2);
    expect(capped.metrics.executionTimeMs).toBe(5_000);
  });

  test(`tasks of a separate resource hold no place of the others (${strategy.name})`, () => {
    const fast = tasks('fast', 10, 50);
    const alone = run(fast, undefined, 4, strategy);
    const batch = { batch: { maxParallel: 20, separate: true } };
    const beside = run([...tasks('batch', 20, 500), ...fast], batch, 4, strategy);
    expect(endOf(beside, 'fast')).toBe(endOf(alone, 'fast'));
    expect(peakOf(beside, 'batch')).toBe(20);
    expect(beside.metrics.executionTimeMs).toBe(500);
  });

  test(`separate tasks start while all other places are taken (${strategy.name})`, () => {
    const list = [...tasks('fast', 10, 50), ...tasks('batch', 3, 500)];
    const result = run(list, { batch: { maxParallel: 2, separate: true } }, 1, strategy);
    expect(result.metrics.executionTimeMs).toBe(1_000);
    expect(peakOf(result, 'fast')).toBe(1);
    expect(endOf(result, 'fast')).toBe(500);
  });
}

test('ReadyTasks keeps the order among the tasks of a full resource', () => {
  const chain: Task[] = [
    {
      id: 'model-first',
      description: 'x',
      dependencies: ['other-0'],
      estimate: { durationMs: 10 },
    },
    {
      id: 'model-second',
      description: 'x',
      dependencies: ['model-first'],
      estimate: { durationMs: 10 },
    },
  ];
  const list = [...tasks('model', 5, 5), ...tasks('other', 50, 1), ...chain];
  const { tasks: results } = run(list, { model: { maxParallel: 1 } }, 3, criticalFirst);
  // It becomes ready at 1 ms behind leaves of its resource, and starts when the first has ended.
  expect(results.find(({ id }) => id === 'model-first')?.startedAt).toBe(5);
});

test('a resource without a cap among the options is only limited by the cap of the run', () => {
  const result = run(tasks('fast', 10, 50), { elsewhere: { maxParallel: 1 } }, 4);
  expect(result.metrics.executionTimeMs).toBe(150);
});

test.each<[unknown, string]>([
  [5, 'resources must be an object of limits by resource; it is 5'],
  [{ a: 5 }, 'resources["a"] takes an object of options'],
  [{ a: {} }, 'resources["a"]: maxParallel must be an integer ≥ 1 or Infinity; it is undefined'],
  [{ a: { maxParallel: 0 } }, 'resources["a"]: maxParallel must be an integer ≥ 1'],
  [{ a: { maxParallel: 1, separate: 1 } }, 'resources["a"]: separate must be true or false'],
  [{ a: { maxparallel: 1 } }, 'resources["a"] has no option "maxparallel"'],
])('refuses resources: %j', (resources, message) => {
  const call = () => run(tasks('a', 1, 1), resources as ResourceLimits, 1);
  expect(call).toThrow(OptionError);
  expect(call).toThrow(message);
});
