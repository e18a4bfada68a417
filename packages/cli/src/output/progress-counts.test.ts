import type { RunEvent } from '@stratagem/core';
import { expect, test } from 'vitest';
import { ProgressCounts } from './progress-counts.js';

test('says that there may be more tasks while a stream is read', () => {
  const counts = new ProgressCounts();
  const apply = (event: object) => {
    counts.apply(event as RunEvent);
    return `${counts}`;
  };
  const added = { type: 'tasks_added', source: 'for_each', taskId: 'each' };
  const tasks = [{ id: 'each[0]' }, { id: 'each[1]' }];
  expect(apply({ type: 'run_started', plan: { tasks: [{ id: 'each' }] } })).toBe('0/1 completed');
  expect(apply({ ...added, tasks, stream: { isEnd: false } })).toBe('0/3+ completed');
  expect(apply({ type: 'task_completed', attempt: 1, taskId: 'each[0]' })).toBe('1/3+ completed');
  expect(apply({ ...added, tasks: [], stream: { isEnd: true } })).toBe('1/3 completed');
});

test('counts what there is when a stream cannot be read further', () => {
  const counts = new ProgressCounts();
  const tasks = [{ id: 'each[0]' }];
  const added = { type: 'tasks_added', taskId: 'each', tasks, stream: { isEnd: false } };
  for (const event of [
    { type: 'run_started', plan: { tasks: [{ id: 'each' }] } },
    added,
    { type: 'task_failed', attempt: 0, taskId: 'each' },
  ]) {
    counts.apply(event as never);
  }
  expect(`${counts}`).toBe('0/2 completed, 1 failed');
});
