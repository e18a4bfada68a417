import type { RunEvent } from '@stratagem/core';
import { expect, test } from 'vitest';
import { RowFold } from './mapped-row.js';
import type { MapQuestion } from './options.js';
import { Questions } from './questions.js';

/** Rows of one run, one after another from a time on, each of a second. */
function rowsFrom(startedAt: number, count: number) {
  const fold = new RowFold(count);
  return Array.from({ length: count }, (_, n) => {
    const timestamp = startedAt + n * 1_000;
    const taskId = `row[${n}]`;
    fold.apply({ type: 'task_started', taskId: `${taskId}/a`, timestamp } as RunEvent);
    fold.apply({ type: 'task_completed', taskId, timestamp: timestamp + 1_000 } as RunEvent);
    return fold.resultOf(n, n + 1, {});
  });
}

async function questionAfter(record: (questions: Questions) => void): Promise<MapQuestion> {
  const asked: MapQuestion[] = [];
  const confirm = (question: MapQuestion) => {
    asked.push(question);
    return true;
  };
  const questions = new Questions({ confirm }, 100, { maxParallel: 1, isLearning: false });
  record(questions);
  await questions.ask('sample', async () => 100);
  return asked[0] as MapQuestion;
}

test('the time between the runs of two maps is no part of the forecast', async () => {
  const { forecast } = await questionAfter((questions) => {
    for (const row of rowsFrom(0, 20)) questions.record(row, 'map.000001');
    for (const row of rowsFrom(86_400_000, 20)) questions.record(row, 'map.000002');
  });
  expect(Math.abs((forecast?.timeMs?.expected as number) / 100_000 - 1)).toBeLessThan(0.1);
});
