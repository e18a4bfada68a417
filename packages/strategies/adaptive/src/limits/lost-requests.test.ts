import type { TaskView } from '@stratagem/core';
import { expect, test } from 'vitest';
import { createRequest } from '../estimate/request.js';
import { LostRequests } from './lost-requests.js';

const requestOf = (order: number, othersInFlight: number) =>
  createRequest({} as TaskView, { order, startedAt: 0, othersInFlight });

const requests = (count: number) =>
  Array.from({ length: count }, (_, order) => requestOf(order, order));

test('a request is lost when its concurrent requests were answered that many times', () => {
  const tracker = new LostRequests();
  const [lost, ...others] = requests(3);
  if (lost) tracker.add(lost);
  for (const request of others) tracker.add(request);
  let order = 3;
  // Three were in flight at once: six answers.
  for (let answered = 1; answered <= 6; answered++) {
    const next = others.shift();
    if (next === undefined) throw new Error('there is always one');
    tracker.remove(next);
    tracker.recordAnswer(next, 2);
    expect(tracker.inFlight).toBe(answered < 6 ? 2 : 1);
    const later = requestOf(order++, 2);
    tracker.add(later);
    others.push(later);
  }
  // A late answer to the lost request changes nothing.
  expect(tracker.inFlight).toBe(2);
  if (lost) tracker.remove(lost);
  expect(tracker.inFlight).toBe(2);
});

test('lowering the limit does not make earlier requests lost', () => {
  const tracker = new LostRequests();
  for (const request of requests(20)) tracker.add(request);
  for (let order = 20; order < 40; order++) {
    const request = requestOf(order, 0);
    tracker.add(request);
    tracker.remove(request);
    tracker.recordAnswer(request, 2);
  }
  expect(tracker.inFlight).toBe(20);
});

test('no request is lost when the server is slow for all', () => {
  const tracker = new LostRequests();
  const all = requests(50);
  for (const request of all) tracker.add(request);
  for (const [position, request] of all.entries()) {
    tracker.remove(request);
    tracker.recordAnswer(request, 2);
    expect(tracker.inFlight).toBe(49 - position);
  }
});
