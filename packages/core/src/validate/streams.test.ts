import { expect, test } from 'vitest';
import { formatProblem, type Plan, type Task, validatePlan } from '../index.js';

const problemsOf = (forEach: unknown): string[] => {
  const task = { id: 'each', description: 'Read {{item.text}}', forEach } as unknown as Task;
  return validatePlan({ goal: 'x', tasks: [task] } as Plan).map(formatProblem);
};

const open = () => [] as never;

test('a stream has a name and a function that opens it', () => {
  expect(problemsOf({ stream: { name: 'rows', open }, maxItems: 5, minSuccess: '50%' })).toEqual(
    [],
  );
  const message =
    'tasks[0].forEach.stream: must have a name and a function that opens it, like { name, open: () => rows }';
  for (const stream of ['rows', null, {}, { name: 'rows' }, { open }, { name: 1, open }]) {
    expect(problemsOf({ stream })).toEqual([message]);
  }
});

test.each([
  [{ stream: { name: 'rows', open }, items: () => [] }, 'has both items and a stream; remove one'],
  [{ stream: { name: 'rows', open, path: 'x' } }, 'unknown field "path"'],
  [{ stream: { name: 'rows', open }, maxItems: 0 }, 'forEach.maxItems: must be an integer ≥ 1'],
])('reports %j', (forEach, message) => {
  expect(problemsOf(forEach)).toEqual([expect.stringContaining(message)]);
});
