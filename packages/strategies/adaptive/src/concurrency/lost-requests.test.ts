import type { TaskView } from '@stratagem/core';
import { expect, test } from 'vitest';
import { LostRequests } from './lost-requests.js';

const requests = (count: number) =>
  Array.from({ length: count }, (_, order) => ({
    task: {} as TaskView,
    order,
    startedAt: 0,
    beside: order,
  }));

test('a request is taken to be lost when what was beside it was answered so many times over', () => {
  const overtaking = new LostRequests();
  const [lost, ...others] = requests(3);
  if (lost) overtaking.started(lost);
  for (const request of others) overtaking.started(request);
  let order = 3;
  // Three were in flight at once: six answers.
  for (let answered = 1; answered <= 6; answered++) {
    const next = others.shift();
    if (next === undefined) throw new Error('there is always one');
    overtaking.ended(next);
    overtaking.answered(next, 2);
    expect(overtaking.held).toBe(answered < 6 ? 2 : 1);
    const later = { task: {} as TaskView, order: order++, startedAt: 0, beside: 2 };
    overtaking.started(later);
    others.push(later);
  }
  // It is answered after all.
  expect(overtaking.held).toBe(2);
  if (lost) overtaking.ended(lost);
  expect(overtaking.held).toBe(2);
});

test('a limit that was lowered does not make lost ones of those from before', () => {
  const overtaking = new LostRequests();
  for (const request of requests(20)) overtaking.started(request);
  for (let order = 20; order < 40; order++) {
    const request = { task: {} as TaskView, order, startedAt: 0, beside: 0 };
    overtaking.started(request);
    overtaking.ended(request);
    overtaking.answered(request, 2);
  }
  expect(overtaking.held).toBe(20);
});

test('a server that is slow for all loses none', () => {
  const overtaking = new LostRequests();
  const all = requests(50);
  for (const request of all) overtaking.started(request);
  for (const [position, request] of all.entries()) {
    overtaking.ended(request);
    overtaking.answered(request, 2);
    expect(overtaking.held).toBe(49 - position);
  }
});
