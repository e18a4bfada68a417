import type { Plan } from '@stratagem/core';
import { expect, test } from 'vitest';
import { fillEstimates, fixedLatency, simulateOn } from '../index.js';

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

test('makes a plan that runs without outputs, and lists the assumptions', () => {
  const { plan, assumptions } = fillEstimates(written, { items: 3 });
  const { status, error, metrics } = simulateOn(plan, { server: fixedLatency(), strategy });
  expect(status, error?.message).toBe('completed');
  expect(metrics).toMatchObject({ attempts: 2 + 3 * 2, executionTimeMs: 4_000 });
  expect(assumptions).toEqual([
    '2 conditions count as met',
    '1 list has 3 items',
    '1 human step is answered after its estimated duration, else at once',
    'the goal is not checked',
    'the budget is not enforced',
  ]);
});

test('loops have the given number of iterations, up to their own limit', () => {
  const loops: Plan = {
    goal: 'x',
    tasks: [
      {
        id: 'draft',
        description: 'x',
        repeat: {
          until: { path: 'draft.score', operator: '>=', value: 1 },
          maxIterations: 3,
          onExhausted: 'fail',
        },
        subtasks: [
          { id: 'write', description: 'x' },
          { id: 'judge', description: 'x {{write}}', dependencies: ['write'] },
        ],
      },
    ],
  };
  const attemptsWith = (iterations?: number) => {
    const { plan, assumptions } = fillEstimates(loops, { iterations });
    const { status, metrics } = simulateOn(plan, { server: fixedLatency(), strategy });
    expect(status).toBe('completed');
    return [metrics.attempts, metrics.executionTimeMs, assumptions];
  };
  expect(attemptsWith(2)).toEqual([4, 4_000, ['1 loop has 2 iterations']]);
  expect(attemptsWith(9)).toEqual([6, 6_000, ['1 loop has 9 iterations']]);
  expect(attemptsWith()).toEqual([6, 6_000, ['1 loop runs to its maxIterations']]);
});

test('keeps the rest of the plan and of the fan-out', () => {
  const { plan } = fillEstimates(written, { items: 3 });
  expect(plan.deadlineMs).toBe(60_000);
  expect(plan.tasks[3]?.forEach).toMatchObject({ minSuccess: '50%' });
});

test('assumes nothing for a plan without unknowns', () => {
  const known: Plan = { goal: 'x', tasks: [{ id: 'a', description: 'x' }] };
  expect(fillEstimates(known)).toEqual({ plan: known, assumptions: [] });
});

test('requires the number of items of a list', () => {
  expect(() => fillEstimates(written)).toThrow('task "each" runs for each item of a list');
  expect(() => fillEstimates(written, { items: 0 })).toThrow('items');
  expect(() => fillEstimates(written, { item: 1 } as never)).toThrow('Did you mean "items"?');
});

test('a stream may have more items than a list, unless it has a limit', () => {
  const planOf = (limits: { readonly maxItems?: number }): Plan => {
    const stream = { name: 'rows', open: () => ({}) as AsyncIterable<unknown> };
    return { goal: 'x', tasks: [{ id: 'each', description: 'x', forEach: { stream, ...limits } }] };
  };
  const statusOf = (limits: { readonly maxItems?: number }) => {
    const { plan } = fillEstimates(planOf(limits), { items: 1_500 });
    return simulateOn(plan, { server: fixedLatency(), strategy }).status;
  };
  expect(statusOf({})).toBe('completed');
  expect(statusOf({ maxItems: 1_400 })).toBe('failed');
});
