import type { TaskView } from '@stratagem/core';
import { expect, test } from 'vitest';
import type { Request } from '../model/request.js';
import { ProvenConcurrency } from './proven-concurrency.js';

const request = (order: number, beside: number): Request => ({
  ...{ order, beside, startedAt: 0 },
  task: { index: order } as TaskView,
});

test('says nothing of load while nothing is answered', () => {
  const carried = new ProvenConcurrency();
  expect(carried.mayBeTooMany(request(0, 0))).toBe(false);
  carried.answered(request(5, 3));
  expect(carried.mayBeTooMany(request(4, 15))).toBe(false);
});

test('lets only those be too many that had more beside them than one answered before', () => {
  const carried = new ProvenConcurrency();
  for (let order = 0; order < 32; order++) carried.answered(request(order, order));
  expect(carried.mayBeTooMany(request(40, 31))).toBe(false);
  expect(carried.mayBeTooMany(request(40, 32))).toBe(true);
  // What is answered later may have had those beside it that were lost.
  carried.answered(request(50, 60));
  expect(carried.mayBeTooMany(request(40, 32))).toBe(true);
  expect(carried.mayBeTooMany(request(51, 40))).toBe(false);
});
