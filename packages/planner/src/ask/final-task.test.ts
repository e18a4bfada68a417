import type { Task } from '@stratagem/core';
import { validatePlan } from '@stratagem/core';
import { expect, test } from 'vitest';
import { endingOf } from './final-task.js';

const task = (id: string, ...dependencies: string[]): Task => ({
  id,
  description: id,
  dependencies,
});

test('the task that all others lead to brings the result', () => {
  expect(endingOf('x', [task('a'), task('b', 'a'), task('c', 'a', 'b')])).toEqual({ taskId: 'c' });
  expect(endingOf('x', [task('a')])).toEqual({ taskId: 'a' });
  const aggregate: Task = { ...task('all'), type: 'aggregate', subtasks: [task('a'), task('b')] };
  expect(endingOf('x', [aggregate])).toEqual({ taskId: 'all' });
});

test('several last tasks get one more, which puts them together', () => {
  const tasks = [task('a'), task('b', 'a'), task('c', 'a')];
  const { taskId, synthesis } = endingOf('Sell {{it}}', tasks);
  expect(synthesis).toMatchObject({ id: taskId, type: 'aggregate', dependencies: ['b', 'c'] });
  expect(synthesis?.description).toContain('Sell \\{{it}}');
  expect(validatePlan({ goal: 'x', tasks: [...tasks, synthesis as Task] })).toEqual([]);
});

test('a group alone brings no result of its own', () => {
  const group: Task = { id: 'g', subtasks: [task('a'), task('b')] };
  expect(endingOf('x', [group]).synthesis).toMatchObject({ dependencies: ['g'] });
});

test('what a task inside of a group needs is used', () => {
  const group: Task = { id: 'g', subtasks: [task('in', 'a'), task('out', 'in')] };
  const tasks = [task('a'), group, task('end', 'g')];
  expect(endingOf('x', tasks)).toEqual({ taskId: 'end' });
});

test('the new task has an id that is free', () => {
  const tasks = [task('result'), task('b')];
  const isTaken = (id: string) => id === 'result-2';
  expect(endingOf('x', tasks, isTaken).taskId).toBe('result-3');
});

test('what was there before and nothing has used is put together with the rest', () => {
  const others = [task('old'), task('older')];
  const ending = endingOf('x', [task('new', 'older')], undefined, others);
  expect(ending.synthesis?.dependencies).toEqual(['old', 'new']);
});
