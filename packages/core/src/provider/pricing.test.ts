import { describe, expect, test } from 'vitest';
import { RunnerError } from '../contract/errors.js';
import { LIST_PRICES, LIST_PRICES_DATE } from './list-prices.js';
import { listPriceOf, pricingOf, withPricing } from './pricing.js';
import { LIST_TIERS, LONG_PROMPT_PRICES } from './special-prices.js';

const usage = { inputTokens: 1_000_000, outputTokens: 100_000, cachedInputTokens: 500_000 };
const known = { asOf: LIST_PRICES_DATE };

test('the table has plausible prices of each provider, with a date', () => {
  expect(LIST_PRICES_DATE).toMatch(/^20\d\d-\d\d-\d\d$/);
  for (const models of Object.values(LIST_PRICES)) {
    for (const [model, [input, output, cached = input, written = input]] of Object.entries(
      models,
    )) {
      expect(input, model).toBeGreaterThanOrEqual(0);
      expect(output, model).toBeGreaterThan(0);
      expect(output, model).toBeLessThan(1_000);
      expect(cached, model).toBeLessThanOrEqual(input);
      expect(written, model).toBeGreaterThanOrEqual(input);
    }
  }
});

describe('the price of', () => {
  test.each<[string, string, string | undefined, object]>([
    ['openai', 'gpt-6.1-sol', undefined, known],
    ['openai', 'gpt-6.1-sol-2026-09-01', undefined, known],
    ['anthropic', 'claude-sonnet-5-5', undefined, known],
    ['openai', 'no-such-model', undefined, { unknownModels: ['no-such-model'] }],
    ['no-such-provider', 'gpt-5', undefined, { unknownModels: ['gpt-5'] }],
    ['constructor', 'gpt-5', undefined, { unknownModels: ['gpt-5'] }],
    // The provider is the one at the address.
    ['openai', 'deepseek-v4-flash', 'https://api.deepseek.com/v1', known],
    ['openai', 'gpt-5', 'https://api.deepseek.com/v1', { unknownModels: ['gpt-5'] }],
    ['openai', 'gpt-5', 'https://my.openai.azure.com/openai/v1', known],
    // A gateway of the user.
    ['openai', 'gpt-5', 'http://127.0.0.1:4000/v1', known],
    ['openai', 'anthropic/claude-sonnet-5-5', 'http://127.0.0.1:4000/v1', known],
    ['openai', 'qwen3', 'http://127.0.0.1:11434/v1', { unknownModels: ['qwen3'] }],
    // The server states the cost.
    ['openai', 'some/model', 'https://openrouter.ai/api/v1', {}],
  ])('%s %s at %s', (provider, model, baseURL, expected) => {
    const { isKnown, ...rest } = pricingOf({ provider, model, baseURL }).known;
    expect(rest).toEqual(expected);
    expect(isKnown?.(model)).toBe(!('unknownModels' in expected));
  });
});

describe('the cost', () => {
  const sonnet = pricingOf({ provider: 'anthropic', model: 'claude-sonnet-5-5' });

  test('is that of the model that answered, or else of the model that was asked', () => {
    const price = 0.5 * 2 + 0.5 * 0.1 + 0.1 * 10;
    expect(sonnet.withCost({ usage }).costUsd).toBeCloseTo(price);
    expect(sonnet.withCost({ usage, model: 'claude-sonnet-5-5-20261001' }).costUsd).toBeCloseTo(
      price,
    );
    expect(sonnet.withCost({ usage, model: 'a-name-of-the-gateway' }).costUsd).toBeCloseTo(price);
    expect(sonnet.withCost({ usage, model: 'claude-opus-5-5' }).costUsd).toBeCloseTo(
      0.5 * 4 + 0.5 * 0.2 + 0.1 * 20,
    );
  });

  test('of a batch is a share of it', () => {
    const half = pricingOf({ provider: 'anthropic', model: 'claude-sonnet-5-5', share: 0.5 });
    expect(half.withCost({ usage }).costUsd).toBeCloseTo(1.025);
  });

  test('that the server states comes first, and without a usage there is none', () => {
    expect(sonnet.withCost({ usage, costUsd: 7 }).costUsd).toBe(7);
    expect(sonnet.withCost({}).costUsd).toBeUndefined();
    const unknown = pricingOf({ provider: 'openai', model: 'no-such-model' });
    expect(unknown.withCost({ usage, model: 'no-such-model' }).costUsd).toBeUndefined();
  });

  test('is added to failures that used tokens', async () => {
    const failing = (error: Error) => withPricing(sonnet, () => Promise.reject(error));
    await expect(failing(new RunnerError('truncated', 'cut', { usage }))).rejects.toMatchObject({
      code: 'truncated',
      costUsd: expect.closeTo(2.05),
    });
    const other = new Error('no');
    await expect(failing(other)).rejects.toBe(other);
  });
});

test.each<[string, string, number, number, readonly (number | undefined)[]]>([
  ['openai', 'gpt-5.4', 272_000, 272_001, [5, 22.5, 0.5, undefined]],
  ['openai', 'gpt-5.5-pro-2026-05-01', 272_000, 272_001, [60, 270, undefined, undefined]],
  ['openai', 'gpt-5.6-luna', 272_000, 272_001, [0.4, 1.8, 0.04, 0.5]],
  ['openai', 'gpt-6.2-astra', 272_000, 272_001, [16, 60, 0.8, 20]],
  ['anthropic', 'claude-sonnet-4-5-20250929', 200_000, 200_001, [6, 22.5, 0.6, 7.5]],
  ['anthropic', 'claude-haiku-5-5', 100_000, 100_001, [0.5, 2.5, 0.05, 0.625]],
  ['google', 'gemini-2.5-pro', 200_000, 200_001, [2.5, 15, 0.25, undefined]],
  ['google', 'gemini-3.1-pro-preview', 200_000, 200_001, [4, 18, 0.4, undefined]],
  ['xai', 'grok-4.5', 199_999, 200_000, [4, 12, 0.6, undefined]],
  ['xai', 'grok-4-fast', 128_000, 128_001, [0.4, 1, 0.1, undefined]],
])('%s %s costs more above %d tokens', (provider, model, short, long, expected) => {
  const names = ['input', 'output', 'cachedInput', 'cacheWriteInput'] as const;
  const pricesOf = (tokens: number) => {
    const price = listPriceOf(provider, model, tokens);
    return names.map((name) => price?.[`${name}PerMillion`]);
  };
  const close = expected.map((value) => (value === undefined ? value : expect.closeTo(value, 9)));
  expect(pricesOf(long)).toEqual(close);
  expect(pricesOf(short)).toEqual(pricesOf(0));
  expect(pricesOf(short)).not.toEqual(pricesOf(long));
});

test('each model with a price of its own for long prompts or tiers has a list price', () => {
  for (const [provider, models] of Object.entries(LONG_PROMPT_PRICES)) {
    for (const model of Object.keys(models)) expect(LIST_PRICES[provider]).toHaveProperty([model]);
  }
  for (const [provider, tiers] of Object.entries(LIST_TIERS)) {
    for (const { byModel = {} } of Object.values(tiers)) {
      for (const model of Object.keys(byModel)) {
        expect(LIST_PRICES[provider]).toHaveProperty([model]);
      }
    }
  }
});

test.each([
  ['gpt-5', 'flex', 0.5],
  ['gpt-5', 'default', 1],
  ['gpt-5', 'constructor', 1],
  ['gpt-5', 'priority', 2],
  ['gpt-5-mini-2025-08-07', 'priority', 1.8],
  ['gpt-5.5', 'priority', 2.5],
  ['gpt-6.1-sol', 'fast', 2],
  // No price of its own is known: the highest one.
  ['gpt-5-nano', 'priority', 2.5],
])('%s costs in the tier %s %d times as much', (model, serviceTier, factor) => {
  const pricing = pricingOf({ provider: 'openai', model });
  const used = { inputTokens: 1_000, outputTokens: 1_000 };
  const usual = pricing.withCost({ usage: used }).costUsd as number;
  expect(pricing.withCost({ usage: used, serviceTier }).costUsd).toBeCloseTo(usual * factor, 9);
});

test('an hour in the prompt cache costs twice the input, also for a long prompt', () => {
  const pricing = pricingOf({ provider: 'anthropic', model: 'claude-haiku-5-5' });
  const costOf = (tokens: number) => {
    const usage = { inputTokens: tokens, outputTokens: 0, cacheWriteInputTokens: tokens };
    return pricing.withCost({ usage, hourCacheWriteTokens: tokens }).costUsd;
  };
  expect(costOf(100_000)).toBeCloseTo(0.02, 9);
  expect(costOf(200_000)).toBeCloseTo(0.2, 9);
});

test('a price in the form of the option prices', () => {
  expect(listPriceOf('anthropic', 'claude-sonnet-5-5')).toEqual({
    perSearch: 0.01,
    inputPerMillion: 2,
    outputPerMillion: 10,
    cachedInputPerMillion: 0.1,
    cacheWriteInputPerMillion: 2.5,
  });
});
