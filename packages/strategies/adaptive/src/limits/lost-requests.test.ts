import type { TaskView } from '@stratagem/core';
import { expect, test } from 'vitest';
import { createRequest } from '../estimate/request.js';
import { LostRequests } from './lost-requests.js';

const SECOND = 1_000;
let order = 0;

function requestAt(startedAt: number, type = 'action') {
  const task = { type, level: 0 } as TaskView;
  return createRequest(task, { order: order++, startedAt, othersInFlight: 0 });
}

/** Answers one request a second after the other, each after a second. */
function answer(tracker: LostRequests, from: number, to: number, type?: string) {
  for (let at = from; at < to; at += SECOND) {
    const request = requestAt(at, type);
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
