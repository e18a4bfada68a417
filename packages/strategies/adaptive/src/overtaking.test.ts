import type { TaskView } from '@stratagem/core';
import { expect, test } from 'vitest';
import { Overtaking } from './overtaking.js';

const requests = (count: number) =>
  Array.from({ length: count }, (_, order) => ({ task: {} as TaskView, order, startedAt: 0 }));

test('a request is taken to be lost when as many later ones were answered as there is patience', () => {
  const overtaking = new Overtaking();
  const [lost, ...others] = requests(6);
  for (const request of [lost, ...others]) if (request) overtaking.started(request);
  for (const [position, request] of others.entries()) {
    overtaking.ended(request);
    overtaking.answered(request, 3);
    expect(overtaking.held).toBe(position < 2 ? 5 - position : 4 - position);
  }
  // It is answered after all.
  if (lost) overtaking.ended(lost);
  expect(overtaking.held).toBe(0);
});

test('a server that is slow for all loses none', () => {
  const overtaking = new Overtaking();
  const all = requests(50);
  for (const request of all) overtaking.started(request);
  for (const [position, request] of all.entries()) {
    overtaking.ended(request);
    overtaking.answered(request, 2);
    expect(overtaking.held).toBe(49 - position);
  }
});
