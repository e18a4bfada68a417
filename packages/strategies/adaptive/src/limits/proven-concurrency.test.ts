import type { TaskView } from '@stratagem/core';
import { expect, test } from 'vitest';
import { createRequest } from '../estimate/request.js';
import { ProvenConcurrency } from './proven-concurrency.js';

const request = (order: number, othersInFlight: number) =>
  createRequest({ index: order } as TaskView, { order, othersInFlight, startedAt: 0 });

test('a timeout is no sign of load while nothing is answered', () => {
  const proven = new ProvenConcurrency();
  expect(proven.isUnproven(request(0, 0))).toBe(false);
  proven.recordAnswer(request(5, 3));
  expect(proven.isUnproven(request(4, 15))).toBe(false);
});

test('a timeout is a sign of load only above the concurrency of earlier answers', () => {
  const proven = new ProvenConcurrency();
  for (let order = 0; order < 32; order++) proven.recordAnswer(request(order, order));
  expect(proven.isUnproven(request(40, 31))).toBe(false);
  expect(proven.isUnproven(request(40, 32))).toBe(true);
  // A later answer proves nothing about earlier requests: some of those had timed out by then.
  proven.recordAnswer(request(50, 60));
  expect(proven.isUnproven(request(40, 32))).toBe(true);
  expect(proven.isUnproven(request(51, 40))).toBe(false);
});
