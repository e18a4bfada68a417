import type { TaskView } from '@stratagem/core';
import { expect, test } from 'vitest';
import { ChangeDetector } from './change-detector.js';
import { createRequest } from './request.js';

test('forgets old answers even while an older request is still in flight', () => {
  const detector = new ChangeDetector(1);
  const task = { type: 'action', level: 0, index: 0 } as TaskView;
  const start = () => {
    const request = createRequest(task, { startedAt: 0, othersInFlight: 1 });
    detector.recordStart(request);
    return request;
  };
  const answer = (late: number) =>
    detector.recordAnswer(start(), 2, () => ({ late, deviation: 0.25 }));
  start();
  for (let count = 0; count < 100; count++) answer(2);
  expect(detector.slowerLogOdds(0, () => undefined)).toBeGreaterThan(2);
  for (let count = 0; count < 50; count++) answer(0);
  expect(detector.slowerLogOdds(0, () => undefined)).toBe(0);
});
