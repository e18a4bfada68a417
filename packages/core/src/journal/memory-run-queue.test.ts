import { describe, expect, test, vi } from 'vitest';
import { journalConformance } from '../conformance/journal.js';
import { runQueueConformance } from '../conformance/run-queue.js';
import { memoryRunQueue } from './memory-run-queue.js';

describe('it is a journal that', () => {
  for (const { name, run } of journalConformance(() => memoryRunQueue())) test(name, run);
});

describe('it is a queue that', () => {
  for (const { name, run } of runQueueConformance(() => memoryRunQueue())) test(name, run);
});

test('a postponed run can be claimed when its time has come', async () => {
  vi.useFakeTimers();
  try {
    const queue = memoryRunQueue();
    await queue.submit({ id: 'a', goal: 'wait', createdAt: 0, plan: { goal: 'wait', tasks: [] } });
    await (await queue.claim())?.postpone(5_000);
    vi.advanceTimersByTime(4_999);
    expect(await queue.claim()).toBeUndefined();
    vi.advanceTimersByTime(1);
    expect((await queue.claim())?.run.id).toBe('a');
  } finally {
    vi.useRealTimers();
  }
});
