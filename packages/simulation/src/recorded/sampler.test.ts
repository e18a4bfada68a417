import { expect, test } from 'vitest';
import type { RecordedAttempt } from './attempts.js';
import { Sampler } from './sampler.js';

const attempt: RecordedAttempt = {
  ...{ type: 'action', durationMs: 1_000, load: 1, inputTokens: 100, outputTokens: 50 },
  ...{ costUsd: 0.01, error: undefined },
};

function drawn(attempts: readonly RecordedAttempt[]) {
  return Array.from({ length: 30 }, (_, seed) =>
    new Sampler(attempts, seed).draw({ taskId: 'a', attempt: 1 } as never),
  );
}

test('attempts without a price do not make the tokens of the others uncertain', () => {
  const attempts = [attempt, attempt, { ...attempt, costUsd: undefined }];
  for (const { inputTokens, outputTokens } of drawn(attempts)) {
    expect([inputTokens, outputTokens]).toEqual([100, 50]);
  }
});

test('an attempt that took no time leaves the durations of the others alone', () => {
  const times = drawn([attempt, { ...attempt, durationMs: 0 }, attempt]).map((each) => each.workMs);
  for (const workMs of times) expect(Number.isFinite(workMs)).toBe(true);
  expect(Math.max(...times)).toBeGreaterThan(0);
});
