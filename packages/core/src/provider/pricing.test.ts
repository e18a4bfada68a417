import { describe, expect, test } from 'vitest';
import { RunnerError } from '../contract/errors.js';
import { LIST_PRICES, LIST_PRICES_DATE } from './list-prices.js';
import { listPriceOf, pricingOf, withPricing } from './pricing.js';

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
    const price = 0.5 * 2 + 0.5 * 0.2 + 0.1 * 10;
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
    expect(half.withCost({ usage }).costUsd).toBeCloseTo(1.05);
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
      costUsd: expect.closeTo(2.1),
    });
    const other = new Error('no');
    await expect(failing(other)).rejects.toBe(other);
  });
});

test('a price in the form of the option prices', () => {
  expect(listPriceOf('anthropic', 'claude-sonnet-5-5')).toEqual({
    perSearch: 0.01,
    inputPerMillion: 2,
    outputPerMillion: 10,
    cachedInputPerMillion: 0.2,
    cacheWriteInputPerMillion: 2.5,
  });
});
