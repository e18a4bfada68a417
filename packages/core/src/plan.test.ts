import { expect, test } from 'vitest';
import { createPlan, validatePlan } from './index.js';

test('addTask adds to the same plan, in order', () => {
  const plan = createPlan('Report', { metadata: { team: 'a' } });
  const returned = plan
    .addTask({ id: 'a', description: 'First' })
    .addTask({ id: 'b', description: 'Second', dependencies: ['a'], priority: 2 });
  expect(returned).toBe(plan);
  expect(plan.tasks.map(({ id }) => id)).toEqual(['a', 'b']);
  expect(validatePlan(plan)).toEqual([]);
});

test('a plan goes into JSON and comes back as the same plan', () => {
  const plan = createPlan('Report', { metadata: { team: 'a' } }).addTask({
    id: 'a',
    description: 'First',
    type: 'observation',
    estimate: { durationMs: 5 },
    metadata: { n: 1 },
  });
  const copy = JSON.parse(JSON.stringify(plan));
  expect(copy).toEqual({
    goal: 'Report',
    metadata: { team: 'a' },
    tasks: [
      {
        id: 'a',
        description: 'First',
        type: 'observation',
        estimate: { durationMs: 5 },
        metadata: { n: 1 },
      },
    ],
  });
  expect(validatePlan(copy)).toEqual([]);
});
