import { OptionError, type Plan } from '@stratagem/core';
import { expect, test } from 'vitest';
import { type CostEstimateOptions, estimateCost } from './estimate-cost.js';

const price = { inputPerMillion: 1, outputPerMillion: 10 };
const text = (tokens: number) => 'abcd'.repeat(tokens);

test('a task reads its description and the outputs of its dependencies', () => {
  const plan: Plan = {
    goal: 'g',
    tasks: [
      { id: 'a', description: text(100) },
      { id: 'b', description: text(200), dependencies: ['a'] },
    ],
  };
  const estimate = estimateCost(plan, { price, outputTokensPerTask: 1_000 });
  expect(estimate).toEqual({
    requests: 2,
    inputTokens: 100 + 200 + 1_000,
    outputTokens: 2_000,
    costUsd: expect.closeTo((1_300 + 10 * 2_000) / 1_000_000, 12),
  });
});

test('groups, functions and human steps cost nothing; aggregates read their subtasks', () => {
  const part = (id: string) => ({ id, description: text(10) });
  const plan: Plan = {
    goal: 'g',
    tasks: [
      { id: 'group', description: text(999), subtasks: [part('a'), part('b')] },
      { id: 'sum', type: 'aggregate', description: text(10), subtasks: [part('c'), part('d')] },
      { id: 'code', run: () => 1 },
      { id: 'ask', description: text(10), waitFor: 'approval' },
    ],
  };
  const { requests, inputTokens } = estimateCost(plan, { price, outputTokensPerTask: 50 });
  expect({ requests, inputTokens }).toEqual({ requests: 5, inputTokens: 5 * 10 + 2 * 50 });
});

test('the estimate of a task counts before the rule', () => {
  const plan: Plan = {
    goal: 'g',
    tasks: [
      { id: 'a', description: text(100), estimate: { tokens: 400 } },
      { id: 'b', description: text(100), estimate: { costUsd: 2 } },
    ],
  };
  const { outputTokens, costUsd } = estimateCost(plan, { price });
  expect(outputTokens).toBe(300 + 500);
  expect(costUsd).toBeCloseTo((100 + 10 * 300) / 1_000_000 + 2, 9);
});

test('wrong options are refused by name', () => {
  const plan: Plan = { goal: 'g', tasks: [{ id: 'a', description: 'x' }] };
  const call = (options: unknown) => () => estimateCost(plan, options as CostEstimateOptions);
  expect(call({ price: { inputPerMillion: -1, outputPerMillion: 1 } })).toThrow(OptionError);
  expect(call({})).toThrow(/price must have inputPerMillion/);
  expect(call({ price, outputTokensPerTask: 0 })).toThrow(/outputTokensPerTask/);
  expect(call({ price, tokens: 1 })).toThrow(/tokens/);
});
