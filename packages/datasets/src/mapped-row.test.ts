import type { RunEvent } from '@stratagem/core';
import { expect, test } from 'vitest';
import { RowFold, startOf } from './mapped-row.js';

function foldOf(events: readonly object[]): RowFold {
  const fold = new RowFold(1);
  for (const event of events) fold.apply(event as RunEvent);
  return fold;
}

const taskId = 'row[0]/summary';
const resumed = (timestamp: number, downtimeMs: number, retried: readonly object[] = []) => ({
  ...{ type: 'run_resumed', timestamp, downtimeMs, retried, restarted: [] },
});
const completed = (timestamp: number) => [
  { type: 'task_completed', taskId, timestamp, output: 'x' },
  { type: 'task_completed', taskId: 'row[0]', timestamp, output: { summary: 'x' } },
];

test('the duration of a row has no time in which its process was down', () => {
  const fold = foldOf([
    { type: 'task_started', taskId, timestamp: 1_000 },
    resumed(61_500, 60_000),
    ...completed(63_000),
  ]);
  expect(fold.resultOf(0, 1, {})).toMatchObject({ status: 'completed', durationMs: 2_000 });
});

test('the duration of a failed row that runs again has no time in between', () => {
  const error = { code: 'task_failed', message: 'no', taskId };
  const fold = foldOf([
    { type: 'task_started', taskId, timestamp: 1_000 },
    { type: 'task_failed', taskId, timestamp: 1_500, error },
    { type: 'task_failed', taskId: 'row[0]', timestamp: 1_500, error },
    // The other rows ended then, and somebody asked again after an hour.
    resumed(3_610_000, 3_600_000, [
      { taskId, was: 'failed' },
      { taskId: 'row[0]', was: 'failed' },
    ]),
    { type: 'task_started', taskId, timestamp: 3_610_000 },
    ...completed(3_610_200),
  ]);
  expect(fold.resultOf(0, 1, {})).toMatchObject({ attempts: 2, durationMs: 700 });
});

test('rows from before and after a downtime begin as far apart as they ran', () => {
  const fold = new RowFold(2);
  const events = [
    { type: 'task_started', taskId, timestamp: 1_000 },
    ...completed(1_500),
    resumed(3_601_500, 3_600_000),
    { type: 'task_started', taskId: 'row[1]/summary', timestamp: 3_601_600 },
    { type: 'task_completed', taskId: 'row[1]', timestamp: 3_601_900, output: {} },
  ];
  for (const event of events) fold.apply(event as RunEvent);
  const [first, second] = [fold.resultOf(0, 1, {}), fold.resultOf(1, 2, {})];
  expect((startOf(second) as number) - (startOf(first) as number)).toBe(600);
  expect([first.durationMs, second.durationMs]).toEqual([500, 300]);
});
