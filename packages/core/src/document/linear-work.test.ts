import { expect, test } from 'vitest';
import { timeRatio } from '../../test/growth.js';
import { PlanError } from '../contract/plan-error.js';
import { parsePlanDocument } from './parse.js';

/** Work that doubles with the size has a ratio of 2, quadratic work one of 4. */
const MAX_RATIO = 3;
const SIZE = 4_000;

function documentOf(size: number, taskOf: (id: string, n: number) => object) {
  const ids = Array.from({ length: size }, (_, n) => `task ${n}`);
  const description = ids.map((id) => `{{${id}}}`).join(' ');
  const end = { id: 'end', description, dependencies: ids };
  return { goal: 'x', tasks: [...ids.map(taskOf), end] };
}

test('parsePlanDocument takes linear time for a task with many dependencies and references', () => {
  const ratio = timeRatio(SIZE, (size) => {
    const document = documentOf(size, (id) => ({ id, description: 'x' }));
    expect(parsePlanDocument(document).plan.tasks).toHaveLength(size + 1);
    return () => parsePlanDocument(document);
  });
  expect(ratio).toBeLessThan(MAX_RATIO);
});

test('parsePlanDocument takes linear time for a problem in every task', () => {
  const problemsOf = (document: object) => {
    try {
      parsePlanDocument(document);
    } catch (error) {
      if (error instanceof PlanError) return error.problems.length;
      throw error;
    }
    return 0;
  };
  const ratio = timeRatio(SIZE, (size) => {
    const document = documentOf(size, (id) => ({
      id,
      description: 'x',
      typo: 1,
      priority: 'high',
    }));
    expect(problemsOf(document)).toBe(2 * size);
    return () => problemsOf(document);
  });
  expect(ratio).toBeLessThan(MAX_RATIO);
});
