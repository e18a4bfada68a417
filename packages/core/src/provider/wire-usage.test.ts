import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { usageOf } from '../contract/usage.js';
import { joinCounts, readWireUsage } from './wire-usage.js';

describe('the usage of', () => {
  test.each<[string, object, object | undefined]>([
    [
      'OpenAI',
      {
        prompt_tokens: 1_173,
        completion_tokens: 21,
        total_tokens: 1_194,
        prompt_tokens_details: { cached_tokens: 1_024, audio_tokens: 0 },
        completion_tokens_details: { reasoning_tokens: 7, accepted_prediction_tokens: 0 },
      },
      {
        usage: {
          inputTokens: 1_173,
          outputTokens: 21,
          cachedInputTokens: 1_024,
          reasoningTokens: 7,
        },
      },
    ],
    [
      'OpenAI, through the Responses API',
      {
        input_tokens: 61,
        input_tokens_details: { cached_tokens: 0 },
        output_tokens: 88,
        output_tokens_details: { reasoning_tokens: 64 },
        total_tokens: 149,
      },
      { usage: { inputTokens: 61, outputTokens: 88, cachedInputTokens: 0, reasoningTokens: 64 } },
    ],
    [
      'DeepSeek',
      {
        prompt_tokens: 102_056,
        completion_tokens: 252,
        total_tokens: 102_308,
        prompt_cache_hit_tokens: 94_464,
        prompt_cache_miss_tokens: 7_592,
        completion_tokens_details: { reasoning_tokens: 100 },
      },
      {
        usage: {
          inputTokens: 102_056,
          outputTokens: 252,
          cachedInputTokens: 94_464,
          reasoningTokens: 100,
        },
      },
    ],
    [
      'a server with other spellings',
      { promptTokens: 12, completionTokens: 3, totalTokens: 15 },
      { usage: { inputTokens: 12, outputTokens: 3 } },
    ],
    [
      'Google',
      {
        ...{ promptTokenCount: 100, candidatesTokenCount: 20, thoughtsTokenCount: 30 },
        ...{ totalTokenCount: 150, cachedContentTokenCount: 40 },
      },
      {
        usage: { inputTokens: 100, outputTokens: 50, cachedInputTokens: 40, reasoningTokens: 30 },
      },
    ],
    [
      'Cohere',
      {
        billed_units: { input_tokens: 10, output_tokens: 3 },
        tokens: { input_tokens: 71, output_tokens: 3 },
      },
      { usage: { inputTokens: 71, outputTokens: 3 } },
    ],
    [
      'Moonshot',
      { prompt_tokens: 50, completion_tokens: 5, total_tokens: 55, cached_tokens: 20 },
      { usage: { inputTokens: 50, outputTokens: 5, cachedInputTokens: 20 } },
    ],
    [
      'xAI, which leaves out reasoning, and states the cost in ticks',
      {
        prompt_tokens: 28,
        completion_tokens: 4,
        total_tokens: 332,
        prompt_tokens_details: { text_tokens: 28, cached_tokens: 5 },
        completion_tokens_details: { reasoning_tokens: 300 },
        num_sources_used: 0,
        cost_in_usd_ticks: 318_319_000,
      },
      {
        usage: { inputTokens: 28, outputTokens: 304, cachedInputTokens: 5, reasoningTokens: 300 },
        costUsd: 0.0318319,
      },
    ],
    [
      'Gemini, which counts its thoughts in the total alone',
      { prompt_tokens: 10, completion_tokens: 15, total_tokens: 425 },
      { usage: { inputTokens: 10, outputTokens: 415, reasoningTokens: 400 } },
    ],
    [
      'OpenRouter, which states the cost',
      {
        prompt_tokens: 10_427,
        completion_tokens: 264,
        total_tokens: 10_691,
        cost: 0.0033789,
        is_byok: false,
        prompt_tokens_details: { cached_tokens: 0, cache_write_tokens: 12, audio_tokens: 0 },
        cost_details: { upstream_inference_cost: 0.0033789 },
        completion_tokens_details: { reasoning_tokens: 0 },
      },
      {
        usage: {
          inputTokens: 10_427,
          outputTokens: 264,
          cachedInputTokens: 0,
          cacheWriteInputTokens: 12,
          reasoningTokens: 0,
        },
        costUsd: 0.0033789,
      },
    ],
    [
      'OpenRouter with a key of the user',
      {
        prompt_tokens: 1,
        completion_tokens: 1,
        cost: 0.001,
        is_byok: true,
        cost_details: { upstream_inference_cost: 0.02 },
      },
      { usage: { inputTokens: 1, outputTokens: 1 }, costUsd: 0.021 },
    ],
    [
      'Perplexity',
      {
        prompt_tokens: 8,
        completion_tokens: 4,
        total_tokens: 12,
        cost: { input_tokens_cost: 0.0001, total_cost: 0.006 },
      },
      { usage: { inputTokens: 8, outputTokens: 4 }, costUsd: 0.006 },
    ],
    [
      'DeepInfra',
      { prompt_tokens: 8, completion_tokens: 4, total_tokens: 12, estimated_cost: 0.0000028 },
      { usage: { inputTokens: 8, outputTokens: 4 }, costUsd: 0.0000028 },
    ],
    [
      'vLLM',
      { prompt_tokens: 9, total_tokens: 16, completion_tokens: 7, prompt_tokens_details: null },
      { usage: { inputTokens: 9, outputTokens: 7 } },
    ],
    [
      'Mistral',
      {
        prompt_audio_seconds: null,
        prompt_tokens: 9,
        total_tokens: 16,
        completion_tokens: 7,
        num_cached_tokens: 4,
      },
      { usage: { inputTokens: 9, outputTokens: 7, cachedInputTokens: 4 } },
    ],
    [
      'DashScope',
      {
        prompt_tokens: 3_019,
        completion_tokens: 104,
        total_tokens: 3_123,
        prompt_tokens_details: { cached_tokens: 2_048, cache_creation_input_tokens: 100 },
      },
      {
        usage: {
          inputTokens: 3_019,
          outputTokens: 104,
          cachedInputTokens: 2_048,
          cacheWriteInputTokens: 100,
        },
      },
    ],
    [
      'a gateway to Anthropic that counts the cache beside the input',
      {
        prompt_tokens: 10,
        completion_tokens: 5,
        total_tokens: 1_015,
        cache_read_input_tokens: 900,
        cache_creation_input_tokens: 100,
      },
      {
        usage: {
          inputTokens: 1_010,
          outputTokens: 5,
          cachedInputTokens: 900,
          cacheWriteInputTokens: 100,
        },
      },
    ],
    [
      'a server that counts output and total alone',
      { completion_tokens: 5, total_tokens: 12 },
      { usage: { inputTokens: 7, outputTokens: 5 } },
    ],
    [
      'a server that counts in texts',
      { prompt_tokens: '12', completion_tokens: '3' },
      { usage: { inputTokens: 12, outputTokens: 3 } },
    ],
    [
      'a server that counts nothing',
      { prompt_tokens: -1, completion_tokens: -1, total_tokens: -1 },
      {},
    ],
    ['a server that sends null', { prompt_tokens: null, completion_tokens: null }, {}],
    [
      'a server with odd details',
      {
        prompt_tokens: 4,
        completion_tokens: 2,
        prompt_tokens_details: { cached_tokens: -1 },
        completion_tokens_details: 'none',
        cost: -1,
      },
      { usage: { inputTokens: 4, outputTokens: 2 } },
    ],
  ])('%s', (_, counts, expected) => {
    expect(readWireUsage(counts)).toEqual(expected);
  });

  test('anything is a usage or nothing', () => {
    const count = fc.oneof(fc.constant(null), fc.double(), fc.string(), fc.nat(), fc.constant(-1));
    const names = ['prompt_tokens', 'completion_tokens', 'total_tokens', 'cached_tokens', 'cost'];
    const details = fc.oneof(
      count,
      fc.dictionary(fc.constantFrom('cached_tokens', 'reasoning_tokens'), count),
    );
    const counts = fc.oneof(
      fc.anything(),
      fc.dictionary(fc.constantFrom(...names, 'prompt_tokens_details'), details),
    );
    fc.assert(
      fc.property(counts, counts, (first, second) => {
        const { usage, costUsd = 0 } = readWireUsage(joinCounts(first, second));
        expect(usage === undefined || usageOf(usage) !== undefined).toBe(true);
        expect(costUsd).toBeGreaterThanOrEqual(0);
        if (usage === undefined) return;
        const { cachedInputTokens = 0, reasoningTokens = 0, inputTokens, outputTokens } = usage;
        expect(cachedInputTokens).toBeLessThanOrEqual(inputTokens);
        expect(reasoningTokens).toBeLessThanOrEqual(outputTokens);
      }),
    );
  });
});

test('of several counts the last one is valid, unless it is 0 or null', () => {
  const first = {
    prompt_tokens: 9,
    completion_tokens: 3,
    prompt_tokens_details: { cached_tokens: 4 },
  };
  expect(joinCounts(undefined, first)).toBe(first);
  expect(joinCounts(first, null)).toBe(first);
  expect(
    joinCounts(first, { prompt_tokens: 0, completion_tokens: 7, prompt_tokens_details: null }),
  ).toEqual({ ...first, completion_tokens: 7 });
  expect(
    joinCounts(first, { completion_tokens: 0, prompt_tokens_details: { cached_tokens: 0 }, x: 0 }),
  ).toEqual({ ...first, x: 0 });
});
