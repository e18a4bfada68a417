import type { TaskView } from '@stratagem/core';
import { expect, test } from 'vitest';
import { createRequest } from '../estimate/request.js';
import { LostRequests, type OpenRequest } from './lost-requests.js';

const SECOND = 1_000;

function requestAt(
  startedAt: number,
  type = 'action',
  durationMs?: number,
  othersInFlight = 0,
  endedBefore = 0,
): OpenRequest {
  const estimate = durationMs === undefined ? undefined : { durationMs };
  const task = { type, level: 0, estimate } as TaskView;
  return { ...createRequest(task, { startedAt, othersInFlight }), endedBefore };
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
  answer(tracker, 0, 4 * SECOND);
  expect(tracker.inFlight).toBe(1);
  answer(tracker, 4 * SECOND, 5 * SECOND);
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
  answer(tracker, 20 * SECOND, 70 * SECOND);
  expect(tracker.inFlight).toBe(1);
  answer(tracker, 70 * SECOND, 90 * SECOND);
  expect(tracker.inFlight).toBe(0);
});

test('a request without an estimate is not lost because requests with one took as long as estimated', () => {
  const tracker = new LostRequests();
  const unknown = requestAt(0);
  const estimated = requestAt(0, 'action', SECOND);
  tracker.add(unknown);
  tracker.add(estimated);
  answer(tracker, 0, 4 * SECOND, 'action', SECOND);
  expect(tracker.inFlight).toBe(2);
  answer(tracker, 4 * SECOND, 20 * SECOND, 'action', SECOND);
  // The one with an estimate is lost. Nothing is known about the other one.
  expect(tracker.inFlight).toBe(1);
  answer(tracker, 20 * SECOND, 30 * SECOND);
  expect(tracker.inFlight).toBe(0);
});

test('the rest of a burst is not counted once a part of it is lost, and each answer allows a start', () => {
  const tracker = new LostRequests();
  const end = (request: OpenRequest, now: number) => tracker.recordAnswer(request, now);
  const start = (at: number, others: number) => {
    const request = requestAt(at, 'action', undefined, others, tracker.ended);
    tracker.add(request);
    return request;
  };
  // The server takes four at once. It loses six of these ten, and later ten more.
  const first = Array.from({ length: 10 }, (_, others) => start(0, others));
  for (const request of first.slice(0, 4)) end(request, SECOND);
  expect(tracker.lostAbove(10)).toBeUndefined();
  const second = Array.from({ length: 4 }, (_, index) => start(2 * SECOND, 6 + index));
  for (let n = 0; n < 10; n++) start(2 * SECOND, 10 + n);
  for (const request of second.slice(0, 3)) end(request, 3 * SECOND);
  const later = start(4 * SECOND, 17);
  expect(tracker.inFlight).toBe(18);
  end(later, 5 * SECOND);
  expect(tracker.inFlight).toBe(11);
  expect(tracker.lostAbove(20)).toBe(4);
  expect(tracker.inFlight).toBe(4);
  // One of those at the server is answered: another one may start.
  end(second[3] as OpenRequest, 5 * SECOND);
  expect(tracker.inFlight).toBe(3);
  start(5 * SECOND, 3);
  expect(tracker.lostAbove(4)).toBe(4);
  expect(tracker.inFlight).toBe(4);
  // A timeout ends a lost request: nothing else changes.
  for (const request of first.slice(4)) tracker.remove(request);
  expect(tracker.inFlight).toBe(4);
  expect(tracker.lostAbove(4)).toBeUndefined();
});

/** Sends requests together, with as many others in flight as are given. */
function sendTogether(tracker: LostRequests, others: readonly number[]): OpenRequest[] {
  const { ended } = tracker;
  const requests = others.map((each) => requestAt(0, 'action', undefined, each, ended));
  for (const request of requests) tracker.add(request);
  return requests;
}

test('a timeout is no sign of load while nothing is answered', () => {
  const tracker = new LostRequests();
  const [first, second] = sendTogether(tracker, [0, 15]) as [OpenRequest, OpenRequest];
  expect([first, second].map((each) => tracker.isUnproven(each))).toEqual([false, false]);
  tracker.remove(first);
  const [later] = sendTogether(tracker, [3]) as [OpenRequest];
  tracker.recordAnswer(later, SECOND);
  expect(tracker.isUnproven(second)).toBe(false);
});

test('a timeout is a sign of load only above the concurrency of answers to requests sent by then', () => {
  const tracker = new LostRequests();
  const together = sendTogether(tracker, [0, 1, 2, 3, 4, 5]);
  for (const each of [0, 1, 3]) tracker.recordAnswer(together[each] as OpenRequest, SECOND);
  expect([2, 4, 5].map((each) => tracker.isUnproven(together[each] as OpenRequest))).toEqual([
    ...[false, true, true],
  ]);
  // A later answer proves nothing about earlier requests: some of those had been lost by then.
  const later = sendTogether(tracker, [60, 40]) as [OpenRequest, OpenRequest];
  tracker.recordAnswer(later[0], SECOND);
  expect(tracker.isUnproven(together[4] as OpenRequest)).toBe(true);
  expect(tracker.isUnproven(later[1])).toBe(false);
});

test('the answer to a short request proves nothing about long ones', () => {
  const tracker = new LostRequests();
  const [short, long] = ['action', 'aggregate'].map((type) => requestAt(0, type, undefined, 9));
  for (const request of [short, long]) tracker.add(request as OpenRequest);
  tracker.recordAnswer(short as OpenRequest, SECOND);
  expect(tracker.isUnproven(requestAt(0, 'action', undefined, 9))).toBe(false);
  expect(tracker.isUnproven(long as OpenRequest)).toBe(true);
});
