import { createExecutor, createPlan, type TaskOutput } from '@stratagem/core';
import { attempt, inOrder, json, type Reply, request, testServer } from '@stratagem/test-kit';
import { describe, expect, test } from 'vitest';
import { chatChunks, responseEvents, saying } from '../test/model.js';
import { stream } from '../test/streams.js';
import { openai } from './openai.js';

const server = testServer('/v1');

function ask(options = {}) {
  const given = { model: 'a-model', apiKey: 'sk-test', baseURL: server.url, ...options };
  return openai(given).run(request('Why?'), attempt());
}

const delta = (fields: object, finish_reason: string | null = null, more = {}) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1_790_000_000,
  model: 'm-1',
  choices: [{ index: 0, delta: fields, logprobs: null, finish_reason, ...more }],
});
const text = [delta({ role: 'assistant', content: '' }), delta({ content: 'Because.' })];
const counts = { prompt_tokens: 9, completion_tokens: 7, total_tokens: 16 };
const plain = { inputTokens: 9, outputTokens: 7 };

/** The ends of streams, as each server sends them. */
const STREAMS: Record<string, readonly [object[], Pick<TaskOutput, 'usage' | 'costUsd'>]> = {
  'OpenAI and most others: a chunk of its own': [
    [...text, delta({}, 'stop'), { choices: [], usage: counts }],
    { usage: plain },
  ],
  'Groq: in x_groq': [
    [
      ...text,
      { ...delta({}, 'stop'), x_groq: { id: 'req_1', usage: { queue_time: 0.01, ...counts } } },
    ],
    { usage: plain },
  ],
  'Moonshot: in the choice': [
    [...text, delta({}, 'stop', { usage: { ...counts, cached_tokens: 4 } })],
    { usage: { ...plain, cachedInputTokens: 4 } },
  ],
  'vLLM: a running total with each chunk': [
    [
      ...text.map((chunk, position) => ({
        ...chunk,
        usage: { prompt_tokens: 9, completion_tokens: position, total_tokens: 9 + position },
      })),
      { ...delta({}, 'stop'), usage: counts },
    ],
    { usage: plain },
  ],
  'a server that ends with 0': [
    [
      ...text,
      { ...delta({}, 'stop'), usage: counts },
      { choices: [], usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } },
    ],
    { usage: plain },
  ],
  'a server that ends with null': [
    [...text, { ...delta({}, 'stop'), usage: counts }, { choices: [], usage: null }],
    { usage: plain },
  ],
  'llama.cpp: timings alone': [
    [...text, { ...delta({}, 'stop'), timings: { cache_n: 4, prompt_n: 5, predicted_n: 7 } }],
    { usage: { ...plain, cachedInputTokens: 4 } },
  ],
  'llama.cpp: timings beside a usage': [
    [
      ...text,
      { ...delta({}, 'stop'), usage: counts, timings: { cache_n: 4, prompt_n: 5, predicted_n: 7 } },
    ],
    { usage: { ...plain, cachedInputTokens: 4 } },
  ],
  'xAI: reasoning beside the output, and the cost in ticks': [
    [
      ...text,
      {
        ...delta({}, 'stop'),
        usage: {
          ...{ prompt_tokens: 28, completion_tokens: 4, total_tokens: 332 },
          completion_tokens_details: { reasoning_tokens: 300 },
          cost_in_usd_ticks: 318_319_000,
        },
      },
    ],
    { usage: { inputTokens: 28, outputTokens: 304, reasoningTokens: 300 }, costUsd: 0.0318319 },
  ],
  'Gemini: thoughts in the total alone': [
    [
      ...text,
      {
        ...delta({}, 'stop'),
        usage: { prompt_tokens: 10, completion_tokens: 15, total_tokens: 425 },
      },
    ],
    { usage: { inputTokens: 10, outputTokens: 415, reasoningTokens: 400 } },
  ],
  'OpenRouter: the cost': [
    [
      ...text,
      delta({}, 'stop'),
      { choices: [], usage: { ...counts, cost: 0.00042, is_byok: false } },
    ],
    { usage: plain, costUsd: 0.00042 },
  ],
  'negative counts': [
    [...text, { ...delta({}, 'stop'), usage: { prompt_tokens: -1, completion_tokens: -1 } }],
    { usage: undefined },
  ],
  'counts that are no numbers': [
    [...text, { ...delta({}, 'stop'), usage: { prompt_tokens: {}, completion_tokens: 'many' } }],
    { usage: undefined },
  ],
  'a usage that is a list': [[...text, { ...delta({}, 'stop'), usage: [] }], { usage: undefined }],
};

describe('the usage in a stream of', () => {
  test.each(Object.entries(STREAMS))('%s', async (_, [chunks, { usage, costUsd }]) => {
    server.replyWith(stream(chunks));
    const answer = await ask();
    expect(answer.output).toBe('Because.');
    expect(answer.usage).toEqual(usage);
    expect(answer.costUsd).toBe(costUsd);
  });

  test('a whole body', async () => {
    const choices = [{ index: 0, message: { content: 'Because.' }, finish_reason: 'stop' }];
    server.replyWith(json(200, { model: 'm', choices, usage: { ...counts, cost: 0.5 } }));
    expect(await ask()).toMatchObject({ usage: plain, costUsd: 0.5 });
  });

  test.each<[string, unknown, object]>([
    ['a usage', { input_tokens: 9, output_tokens: 7, total_tokens: 16 }, { usage: plain }],
    ['null', null, {}],
    ['odd counts', { input_tokens: -1, output_tokens: null }, {}],
    [
      'a cost',
      { input_tokens: 9, output_tokens: 7, cost_in_usd_ticks: 1e9 },
      { usage: plain, costUsd: 0.1 },
    ],
  ])('the Responses API, with %s', async (_, usage, expected) => {
    const events = responseEvents({ text: 'Because.' }).map((event) => {
      const { response } = event as { response?: object };
      return response === undefined ? event : { ...event, response: { ...response, usage } };
    });
    server.replyWith(stream(events));
    const { output, usage: read, costUsd } = await ask({ api: 'responses' });
    expect({ output, ...(read && { usage: read }), ...(costUsd && { costUsd }) }).toEqual({
      output: 'Because.',
      ...expected,
    });
  });
});

describe('the cost', () => {
  const priced = { model: 'gpt-6.1-sol' };
  const listed = (12 * 2 + 3 * 10) / 1_000_000;

  test('comes from the list of prices', async () => {
    server.replyWith(saying({ text: 'Because.' }));
    expect((await ask(priced)).costUsd).toBeCloseTo(listed, 12);
    expect((await ask()).costUsd).toBeUndefined();
  });

  test('that the server states comes first, in a header too', async () => {
    server.replyWith(saying({ text: 'Because.' }, { 'x-litellm-response-cost': '0.25' }));
    expect((await ask(priced)).costUsd).toBe(0.25);
  });

  test('of an answer that is cut off counts too', async () => {
    const chunks = chatChunks({ text: 'Beca' }).map((chunk) =>
      JSON.parse(JSON.stringify(chunk).replace('"stop"', '"length"')),
    );
    server.replyWith(stream(chunks));
    await expect(ask(priced)).rejects.toMatchObject({
      code: 'truncated',
      costUsd: expect.closeTo(listed, 12),
    });
  });
});

describe('a budget in US dollars', () => {
  const plan = createPlan('Ask')
    .addTask({ id: 'a', description: 'Why?' })
    .addTask({ id: 'b', description: 'How?' });
  const execute = (model: string, options = {}) =>
    createExecutor({
      strategy: inOrder,
      runner: openai({ model, apiKey: 'sk-test', baseURL: server.url }),
      budget: { costUsd: 1 },
      ...options,
    }).execute(plan);
  const answer: Reply = saying({ text: 'Because.' });

  test('works at once with a model in the list of prices', async () => {
    server.replyWith(answer);
    const { status, metrics } = await execute('gpt-6.1-sol');
    expect(status).toBe('completed');
    expect(metrics.costUsd).toBeCloseTo((2 * (12 * 2 + 3 * 10)) / 1_000_000, 12);
  });

  test('is refused before the first task with an unknown model', () => {
    server.replyWith(answer);
    expect(() => execute('no-such-model')).toThrow(
      'budget.costUsd: the price of "no-such-model" is unknown; add it to prices',
    );
    expect(server.requests).toHaveLength(0);
  });

  test('takes prices of the user, which come before the list', async () => {
    server.replyWith(answer);
    const price = { inputPerMillion: 1_000, outputPerMillion: 0 };
    const unlisted = { prices: { 'no-such-model': price, 'a-model-2026': price } };
    expect((await execute('no-such-model', unlisted)).metrics.costUsd).toBeCloseTo(0.024);
    const dearer = { prices: { 'gpt-6.1-sol': price, 'a-model-2026': price } };
    expect((await execute('gpt-6.1-sol', dearer)).metrics.costUsd).toBeCloseTo(0.024);
  });

  test('does not matter to a plan of functions', async () => {
    const own = createPlan('Own').addTask({ id: 'a', description: 'Mine.', run: () => 1 });
    const runner = openai({ model: 'no-such-model', apiKey: 'sk-test', baseURL: server.url });
    const executor = createExecutor({ strategy: inOrder, runner, budget: { costUsd: 1 } });
    expect((await executor.execute(own)).status).toBe('completed');
  });
});
