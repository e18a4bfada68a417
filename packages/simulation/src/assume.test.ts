import type { Plan } from '@stratagem/core';
import { expect, test } from 'vitest';
import { assume, fixedLatency, simulateOn } from './index.js';

const strategy = {
  name: 'eager',
  maxParallel: 100,
  begin() {
    const ready: never[] = [];
    return { ready: (task: unknown) => void ready.push(task as never), next: () => ready.pop() };
  },
};

const written: Plan = {
  goal: 'x',
  goalState: { criteria: [] },
  budget: { tokens: 1 },
  deadlineMs: 60_000,
  tasks: [
    { id: 'triage', description: 'x' },
    {
      id: 'urgent',
      description: 'x',
      dependencies: ['triage'],
      when: { path: 'triage.kind', operator: '==', value: 'urgent' },
    },
    { id: 'approve', description: 'May we?', dependencies: ['triage'], waitFor: 'approval' },
    {
      id: 'each',
      description: '{{item}}',
      dependencies: ['urgent', 'approve'],
      forEach: { items: 'urgent.documents', minSuccess: '50%' },
      subtasks: [
        { id: 'read', description: 'x', when: { path: 'item', operator: '==', value: 'x' } },
        { id: 'write', description: 'x', dependencies: ['read'] },
      ],
    },
  ],
};

test('makes a plan that runs without any output, and says what it assumes', () => {
  const { plan, assumptions } = assume(written, { elements: 3 });
  const { status, error, metrics } = simulateOn(plan, { server: fixedLatency(), strategy });
  expect(status, error?.message).toBe('completed');
  expect(metrics).toMatchObject({ attempts: 2 + 3 * 2, executionTimeMs: 4_000 });
  expect(assumptions).toEqual([
    '2 conditions count as met',
    '1 list has 3 elements',
    '1 human step is answered after what it is estimated to take, else at once',
    'the goal is not checked',
    'the budget is not kept',
  ]);
});

test('keeps the rest of a plan, and what a fan-out says about itself', () => {
  const { plan } = assume(written, { elements: 3 });
  expect(plan.deadlineMs).toBe(60_000);
  expect(plan.tasks[3]?.forEach).toMatchObject({ minSuccess: '50%' });
});

test('assumes nothing of a plan that is known', () => {
  const known: Plan = { goal: 'x', tasks: [{ id: 'a', description: 'x' }] };
  expect(assume(known)).toEqual({ plan: known, assumptions: [] });
});

test('needs to be told how many elements a list has', () => {
  expect(() => assume(written)).toThrow('task "each" is done for each element of a list');
  expect(() => assume(written, { elements: 0 })).toThrow('elements');
  expect(() => assume(written, { element: 1 } as never)).toThrow('Did you mean "elements"?');
});
