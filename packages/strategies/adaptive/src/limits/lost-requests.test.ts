import type { TaskView } from '@stratagem/core';
import { expect, test } from 'vitest';
import { createRequest } from '../estimate/request.js';
import { LostRequests } from './lost-requests.js';

const SECOND = 1_000;
let order = 0;

function requestAt(startedAt: number, type = 'action', durationMs?: number) {
  const estimate = durationMs === undefined ? undefined : { durationMs };
  const task = { type, level: 0, estimate } as TaskView;
  return createRequest(task, { order: order++, startedAt, othersInFlight: 0 });
}

/** Answers one request a second after the other, each after a second. */
function answer(
  tracker: LostRequests,
  from: number,
  to: number,
  type?: string,
  durationMs?: number,
) {
  for (let at = from; at < to; at += SECOND) {
    const request = requestAt(at, type, durationMs);
    tracker.add(request);
    tracker.remove(request);
    tracker.recordAnswer(request, at + SECOND);
  }
}

test('a request is lost when one that started much later was answered', () => {
  const tracker = new LostRequests();
  const lost = requestAt(0);
  tracker.add(lost);
  answer(tracker, 0, 8 * SECOND);
  expect(tracker.inFlight).toBe(1);
  answer(tracker, 8 * SECOND, 10 * SECOND);
  expect(tracker.inFlight).toBe(0);
  // A late answer to the lost request changes nothing.
  tracker.remove(lost);
  expect(tracker.inFlight).toBe(0);
});

test('no request is lost when the server is slow for all', () => {
  const tracker = new LostRequests();
  answer(tracker, 0, 5 * SECOND);
  const slow = Array.from({ length: 20 }, () => requestAt(5 * SECOND));
  for (const request of slow) tracker.add(request);
  for (const [position, request] of slow.entries()) {
    tracker.remove(request);
    tracker.recordAnswer(request, 600 * SECOND);
    expect(tracker.inFlight).toBe(19 - position);
  }
});

test('a long request among short ones is not lost: types differ', () => {
  const tracker = new LostRequests();
  const [first, second] = [requestAt(0, 'aggregate'), requestAt(0, 'aggregate')];
  tracker.add(first);
  tracker.add(second);
  answer(tracker, 0, 20 * SECOND);
  // Nothing is known about its type.
  expect(tracker.inFlight).toBe(2);
  tracker.remove(first);
  tracker.recordAnswer(first, 20 * SECOND);
  answer(tracker, 20 * SECOND, 148 * SECOND);
  expect(tracker.inFlight).toBe(1);
  answer(tracker, 148 * SECOND, 170 * SECOND);
  expect(tracker.inFlight).toBe(0);
});

test('a request without an estimate is not lost because requests with one took as long as estimated', () => {
  const tracker = new LostRequests();
  const unknown = requestAt(0);
  const estimated = requestAt(0, 'action', SECOND);
  tracker.add(unknown);
  tracker.add(estimated);
  answer(tracker, 0, 8 * SECOND, 'action', SECOND);
  expect(tracker.inFlight).toBe(2);
  answer(tracker, 8 * SECOND, 20 * SECOND, 'action', SECOND);
  // The one with an estimate is lost. Nothing is known about the other one.
  expect(tracker.inFlight).toBe(1);
  answer(tracker, 20 * SECOND, 30 * SECOND);
  expect(tracker.inFlight).toBe(0);
});
