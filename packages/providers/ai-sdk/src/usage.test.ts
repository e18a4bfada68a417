import { attempt, request, testServer } from '@stratagem/test-kit';
import { describe, expect, test } from 'vitest';
import { chunksOf, compatible, mockOf, stream } from '../test/model.js';
import { aiSdk } from './ai-sdk.js';
import { stepCost, stepUsage } from './usage.js';

const server = testServer('/v1');
const details = {
  inputTokenDetails: {
    noCacheTokens: undefined,
    cacheReadTokens: undefined,
    cacheWriteTokens: undefined,
  },
  outputTokenDetails: { textTokens: undefined, reasoningTokens: undefined },
};

describe('the usage of a compatible server', () => {
  test.each<[string, object | null, object]>([
    [
      'that leaves out reasoning',
      { prompt_tokens: 10, completion_tokens: 15, total_tokens: 425 },
      { usage: { inputTokens: 10, outputTokens: 415, reasoningTokens: 400 } },
    ],
    [
      'that states the cost',
      { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15, cost: 0.25 },
      { usage: { inputTokens: 12, outputTokens: 3 }, costUsd: 0.25 },
    ],
    ['that counts nothing', null, {}],
  ])('%s', async (_, usage, expected) => {
    const chunks = chunksOf({ text: 'Because.' }).map((chunk) =>
      'usage' in chunk ? { ...chunk, usage } : chunk,
    );
    server.replyWith(stream(chunks));
    const answer = await aiSdk(compatible(server.url)).run(request('Why?'), attempt());
    expect(answer).toMatchObject({ output: 'Because.', ...expected });
  });
});

test('odd counts of a provider are left out', () => {
  const usage = { ...details, inputTokens: Number.NaN, outputTokens: -1, totalTokens: undefined };
  expect(stepUsage(usage)).toBeUndefined();
  expect(stepUsage({ ...usage, inputTokens: 4 })).toEqual({ inputTokens: 4, outputTokens: 0 });
  expect(stepUsage(undefined)).toBeUndefined();
});

test.each<[string, object, number | undefined]>([
  ['a gateway', { gateway: { cost: '0.0123' } }, 0.0123],
  ['OpenRouter', { openrouter: { usage: { cost: 0.5 } } }, 0.5],
  ['nobody', {}, undefined],
])('the cost that is stated by %s', (_, providerMetadata, costUsd) => {
  const usage = { ...details, inputTokens: 1, outputTokens: 1, totalTokens: 2 };
  expect(stepCost({ usage, providerMetadata })).toBe(costUsd);
});

test('the list of prices is used for known models, and gateways state the cost', () => {
  const model = Object.assign(mockOf(), {
    provider: 'anthropic.messages',
    modelId: 'claude-sonnet-5-5',
  });
  expect(aiSdk(model).pricing?.asOf).toMatch(/^20/);
  expect(aiSdk(mockOf()).pricing).toMatchObject({ unknownModels: ['a-model'] });
  expect(aiSdk('anthropic/claude-x').pricing).not.toHaveProperty('unknownModels');
});
