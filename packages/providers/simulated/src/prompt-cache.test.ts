import { createExecutor } from '@stratagem/core';
import { attempt, inOrder, request } from '@stratagem/test-kit';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { PromptCache } from './prompt-cache.js';
import { simulated } from './simulated.js';

/** A text of so many tokens, another for each word. */
function text(tokens: number, word: string): string {
  return `${word} `.repeat(tokens * 4).slice(0, tokens * 4);
}

describe('a prompt cache', () => {
  const cacheOf = (minTokens = 128, ttlMs = 1_000) => new PromptCache({ minTokens, ttlMs });

  test('finds the longest cached prefix, in blocks of 128 tokens', () => {
    const cache = cacheOf();
    const shared = text(300, 'shared');
    cache.write(shared + text(300, 'one'), 0);
    expect(cache.read(shared + text(300, 'other'), 0)).toBe(256);
    expect(cache.read(shared + text(300, 'one'), 0)).toBe(512);
    expect(cache.read(text(300, 'strange'), 0)).toBe(0);
  });

  test('finds a text only at the beginning of a prompt', () => {
    const cache = cacheOf();
    cache.write(text(128, 'a') + text(128, 'b'), 0);
    expect(cache.read(text(128, 'b'), 0)).toBe(0);
    expect(cache.read(text(128, 'c') + text(128, 'b'), 0)).toBe(0);
  });

  test('ignores a prefix below its minimum', () => {
    const cache = cacheOf(1_024);
    const prompt = text(2_000, 'a');
    cache.write(prompt, 0);
    expect(cache.read(prompt.slice(0, 1_023 * 4), 0)).toBe(0);
    expect(cache.read(prompt.slice(0, 1_024 * 4), 0)).toBe(1_024);
  });

  test('removes prompts that were not used for ttlMs', () => {
    const cache = cacheOf();
    const prompt = text(128, 'a');
    cache.write(prompt, 0);
    expect(cache.read(prompt, 999)).toBe(128);
    expect(cache.read(prompt, 1_998)).toBe(128);
    expect(cache.read(prompt, 2_998)).toBe(0);
  });
});

describe('the simulated model', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const prompt = text(1_200, 'guide');
  const pricePerMillionTokens = { inputUsd: 10, outputUsd: 0, cachedInputUsd: 1 };

  async function ask(runner: ReturnType<typeof simulated>, question = prompt) {
    const answer = runner.run(request(question), attempt());
    await vi.advanceTimersByTimeAsync(800);
    return (await answer).usage?.cachedInputTokens;
  }

  test('caches prompts with promptCache, and reports the cached tokens', async () => {
    const runner = simulated({ latencyMs: 800, promptCache: {} });
    expect(await ask(runner)).toBe(0);
    expect(await ask(runner)).toBe(1_152);
    expect(await ask(simulated({ latencyMs: 800 }))).toBeUndefined();
  });

  test.each([
    ['its first piece arrives', true, 100],
    ['it arrives as a whole', false, 800],
  ])('caches a prompt when it begins to respond: %s', async (_, stream, beginsAt) => {
    const respond = () => 'a b c d e f g h';
    const runner = simulated({ latencyMs: 800, stream, respond, promptCache: {} });
    const first = runner.run(request(prompt), attempt());
    await vi.advanceTimersByTimeAsync(beginsAt - 1);
    const early = runner.run(request(prompt), attempt());
    await vi.advanceTimersByTimeAsync(1);
    const late = runner.run(request(prompt), attempt());
    await vi.advanceTimersByTimeAsync(800);
    await first;
    expect((await early).usage?.cachedInputTokens).toBe(0);
    expect((await late).usage?.cachedInputTokens).toBe(1_152);
  });

  test('applies minTokens and ttlMs', async () => {
    const runner = simulated({ latencyMs: 800, promptCache: { minTokens: 256, ttlMs: 5_000 } });
    const short = text(300, 'short');
    await ask(runner, short);
    expect(await ask(runner, short)).toBe(256);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await ask(runner, short)).toBe(0);
  });

  test('does not cache the prompt of a failed request', async () => {
    const failing = simulated({ latencyMs: 800, failureRate: 1, promptCache: {} });
    const write = vi.spyOn(PromptCache.prototype, 'write');
    const failure = failing.run(request(prompt), attempt()).catch(({ code }) => code);
    await vi.advanceTimersByTimeAsync(800);
    expect(await failure).toBe('server_error');
    expect(write).not.toHaveBeenCalled();
    write.mockRestore();
  });

  test('charges cached tokens at their own price', async () => {
    const runner = simulated({ latencyMs: 800, promptCache: {}, pricePerMillionTokens });
    const tasks = ['a', 'b'].map((id) => ({ id, description: prompt }));
    const executor = createExecutor({ strategy: inOrder, runner, maxParallel: 1 });
    const run = executor.execute({ goal: 'Ask twice', tasks });
    await vi.advanceTimersByTimeAsync(2_000);
    const { metrics } = await run;
    expect(metrics.usage).toMatchObject({ inputTokens: 2_400, cachedInputTokens: 1_152 });
    expect(metrics.costUsd).toBeCloseTo((1_248 * 10 + 1_152) / 1e6, 12);
  });

  test('charges cached tokens like others without cachedInputUsd', async () => {
    const price = { inputUsd: 10, outputUsd: 0 };
    const runner = simulated({ latencyMs: 800, promptCache: {}, pricePerMillionTokens: price });
    await ask(runner);
    const answer = runner.run(request(prompt), attempt());
    await vi.advanceTimersByTimeAsync(800);
    expect((await answer).costUsd).toBeCloseTo(1_200 * 1e-5, 12);
  });

  test('finds the first request of an attempt with tools in its second one', async () => {
    const call = async () => ({ ok: true as const, output: 'sunny', text: 'sunny' });
    const tools = [{ name: 'weather', description: 'Now.', inputSchema: {}, call }];
    const runner = simulated({ latencyMs: 800, promptCache: {} });
    const answer = runner.run(request(prompt, { tools }), attempt());
    await vi.advanceTimersByTimeAsync(2_000);
    expect((await answer).usage?.cachedInputTokens).toBe(1_152);
  });
});
