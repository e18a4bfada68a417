import type { Task } from '@stratagem/core';
import { validatePlan } from '@stratagem/core';
import { expect, test } from 'vitest';
import { finalTaskOf } from './final-task.js';

const task = (id: string, ...dependencies: string[]): Task => ({
  id,
  description: id,
  dependencies,
});

test('the only task without dependents is the final task', () => {
  expect(finalTaskOf('x', [task('a'), task('b', 'a'), task('c', 'a', 'b')])).toEqual({
    taskId: 'c',
  });
  expect(finalTaskOf('x', [task('a')])).toEqual({ taskId: 'a' });
  const aggregate: Task = { ...task('all'), type: 'aggregate', subtasks: [task('a'), task('b')] };
  expect(finalTaskOf('x', [aggregate])).toEqual({ taskId: 'all' });
});

test('several tasks without dependents get one more task, which combines them', () => {
  const tasks = [task('a'), task('b', 'a'), task('c', 'a')];
  const { taskId, added } = finalTaskOf('Sell {{it}}', tasks);
  expect(added).toMatchObject({ id: taskId, type: 'aggregate', dependencies: ['b', 'c'] });
  expect(added?.description).toContain('Sell \\{{it}}');
  expect(validatePlan({ goal: 'x', tasks: [...tasks, added as Task] })).toEqual([]);
});

test('a group alone has no output of its own', () => {
  const group: Task = { id: 'g', subtasks: [task('a'), task('b')] };
  expect(finalTaskOf('x', [group]).added).toMatchObject({ dependencies: ['g'] });
});

test('a dependency of a subtask counts as used', () => {
  const group: Task = { id: 'g', subtasks: [task('in', 'a'), task('out', 'in')] };
  const tasks = [task('a'), group, task('end', 'g')];
  expect(finalTaskOf('x', tasks)).toEqual({ taskId: 'end' });
});

test('the new task has a free id', () => {
  const tasks = [task('result'), task('b')];
  const isTaken = (id: string) => id === 'result-2';
  expect(finalTaskOf('x', tasks, isTaken).taskId).toBe('result-3');
});

test('an unused earlier output is combined with the rest', () => {
  const others = [task('old'), task('older')];
  const final = finalTaskOf('x', [task('new', 'older')], undefined, others);
  expect(final.added?.dependencies).toEqual(['old', 'new']);
});
