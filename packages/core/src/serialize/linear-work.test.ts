import { expect, test } from 'vitest';
import { readRatio, timeRatio } from '../../test/growth.js';
import type { Plan } from '../contract/plan.js';
import type { Task } from '../contract/task.js';
import { planFromData } from './decode-plan.js';
import { planToData } from './plan.js';
import { diffPlans } from './plan-diff.js';

/** Work that doubles with the size has a ratio of 2, quadratic work one of 4. */
const MAX_RATIO = 3;
const SIZE = 4_000;

function planOf(size: number, priority: number): Plan {
  const ids = Array.from({ length: size }, (_, n) => `task ${n}`);
  const tasks: Task[] = ids.map((id, n) => ({
    id,
    description: 'x',
    priority,
    dependencies: n === 0 ? [] : [ids[n - 1] as string],
  }));
  const end = { id: 'end', description: 'x', dependencies: ids };
  const group = { id: 'group', subtasks: tasks.map((task) => ({ ...task, id: `sub ${task.id}` })) };
  return { goal: 'x', tasks: [...tasks, end, group] };
}

test('planToData takes linear time', () => {
  const ratio = timeRatio(SIZE, (size) => {
    const plan = planOf(size, 1);
    return () => planToData(plan);
  });
  expect(ratio).toBeLessThan(MAX_RATIO);
});

test('planToData reads each field a constant number of times', () => {
  const ratio = readRatio(500, (size, counter) => planToData(counter.watch(planOf(size, 1))));
  expect(ratio).toBeLessThan(MAX_RATIO);
});

test('planFromData takes linear time', () => {
  const ratio = timeRatio(SIZE, (size) => {
    const data = planToData(planOf(size, 1));
    return () => planFromData(data);
  });
  expect(ratio).toBeLessThan(MAX_RATIO);
});

test('diffPlans takes linear time when every task has changed', () => {
  const ratio = timeRatio(SIZE, (size) => {
    const before = planToData(planOf(size, 1));
    const after = planToData(planOf(size, 2));
    expect(diffPlans(before, after).tasks).toHaveLength(2 * size);
    return () => diffPlans(before, after);
  });
  expect(ratio).toBeLessThan(MAX_RATIO);
});

test('diffPlans takes linear time when every task is another one', () => {
  const ratio = timeRatio(SIZE, (size) => {
    const before = planToData(planOf(size, 1));
    const renamed = planOf(size, 1).tasks.map((task) => ({ ...task, id: `${task.id}!` }));
    const after = planToData({ goal: 'x', tasks: renamed });
    expect(diffPlans(before, after).tasks).toHaveLength(3 * size + 4);
    return () => diffPlans(before, after);
  });
  expect(ratio).toBeLessThan(MAX_RATIO);
});
