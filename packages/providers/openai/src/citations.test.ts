import { createExecutor, createPlan, memoryJournal } from '@stratagem/core';
import { inOrder, json, type Reply, testServer } from '@stratagem/test-kit';
import { describe, expect, test } from 'vitest';
import { stream } from '../test/streams.js';
import { openai } from './openai.js';
import type { OpenAIOptions } from './options.js';

const server = testServer('/v1');
const usage = { input_tokens: 1_000, output_tokens: 100 };

function runOf(reply: Reply, options: OpenAIOptions, journal = memoryJournal()) {
  server.replyWith(reply);
  const providerOptions = { openai: { tools: [{ type: 'web_search' }] } };
  const fixed = { apiKey: 'sk-test', baseURL: server.url, model: 'gpt-5' };
  const runner = openai({ ...fixed, providerOptions, ...options });
  const plan = createPlan('Tides').addTask({ id: 'a', description: 'What causes tides?' });
  return createExecutor({ strategy: inOrder, runner, journal, reuse: true }).execute(plan);
}

const RESPONSE = {
  ...{ status: 'completed', model: 'gpt-5', usage },
  output: [
    { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search' } },
    { type: 'web_search_call', id: 'ws_2', action: { type: 'open_page', url: 'https://a.b' } },
    {
      type: 'message',
      content: [
        {
          ...{ type: 'output_text', text: 'The moon causes tides.' },
          annotations: [
            {
              ...{ type: 'url_citation', url: 'https://a.example/tides', title: 'Tides' },
              ...{ start_index: 4, end_index: 8 },
            },
            { type: 'file_citation', file_id: 'file_1', filename: 'paper.pdf', index: 3 },
          ],
        },
      ],
    },
  ],
};
const CITED = [
  { url: 'https://a.example/tides', title: 'Tides', quote: 'moon', start: 4, end: 8 },
  { title: 'paper.pdf' },
];

describe('the Responses API', () => {
  test.each<[string, Reply, boolean]>([
    ['a whole answer', json(200, RESPONSE), false],
    ['a stream', stream([{ type: 'response.completed', response: RESPONSE }]), true],
    [
      'a stream whose end does not repeat its items',
      stream([
        ...RESPONSE.output.map((item, output_index) => ({
          ...{ type: 'response.output_item.done', output_index, item },
        })),
        { type: 'response.completed', response: { ...RESPONSE, output: [] } },
      ]),
      true,
    ],
  ])('cites the sources of its searches, and counts those, in %s', async (_, reply, isStreamed) => {
    const journal = memoryJournal();
    const options = { api: 'responses', stream: isStreamed } as const;
    const result = await runOf(reply, options, journal).orThrow();
    expect(result.tasks[0]?.citations).toEqual(CITED);
    expect(result.metrics.usage.searches).toBe(1);
    // A model that costs 1.25 and 10 dollars, and a search that costs a cent.
    expect(result.metrics.costUsd).toBeCloseTo(0.00125 + 0.001 + 0.01, 9);
    // The next run takes the answer from the journal, with its sources.
    const again = await runOf(reply, options, journal).orThrow();
    expect(again.tasks[0]).toMatchObject({ reused: {}, citations: CITED });
  });

  test.each([
    ['flex', 0.5],
    ['default', 1],
    ['priority', 2],
  ])('costs less or more in the tier %s that it was served in', async (service_tier, factor) => {
    const { output } = RESPONSE;
    const response = { ...RESPONSE, output: output.slice(2), service_tier };
    const result = await runOf(json(200, response), { api: 'responses', stream: false }).orThrow();
    expect(result.metrics.costUsd).toBeCloseTo(0.00225 * factor, 9);
  });

  test.each([
    [272_000, 272_000 * 2.5e-6 + 100 * 15e-6],
    [272_001, 272_001 * 5e-6 + 100 * 22.5e-6],
  ])('costs more for a prompt of %d tokens where its model does', async (input_tokens, cost) => {
    const { output } = RESPONSE;
    const long = { input_tokens, output_tokens: 100 };
    const response = { ...RESPONSE, model: 'gpt-5.4', output: output.slice(2), usage: long };
    const options = { api: 'responses', stream: false, model: 'gpt-5.4' } as const;
    const result = await runOf(json(200, response), options).orThrow();
    expect(result.metrics.costUsd).toBeCloseTo(cost, 9);
  });
});

describe('Chat Completions', () => {
  const annotations = [
    {
      type: 'url_citation',
      url_citation: {
        ...{ url: 'https://a.example/tides', title: 'Tides', content: 'The moon …' },
        ...{ start_index: 0, end_index: 8 },
      },
    },
  ];
  const fromAnnotations = [
    {
      ...{ url: 'https://a.example/tides', title: 'Tides', quote: 'The moon …' },
      ...{ start: 0, end: 8 },
    },
  ];
  const message = { role: 'assistant', content: 'The moon.' };
  const choice = { index: 0, finish_reason: 'stop' };
  const chatUsage = { prompt_tokens: 10, completion_tokens: 2 };

  test.each<[string, Reply, boolean, object[]]>([
    [
      'annotations of a whole answer',
      json(200, {
        choices: [{ ...choice, message: { ...message, annotations } }],
        usage: chatUsage,
      }),
      false,
      fromAnnotations,
    ],
    [
      'annotations of a stream',
      stream([
        { choices: [{ index: 0, delta: { content: 'The moon.' } }] },
        { choices: [{ ...choice, delta: { annotations } }], usage: chatUsage },
      ]),
      true,
      fromAnnotations,
    ],
    [
      'a list of addresses and results of a search',
      json(200, {
        ...{ choices: [{ ...choice, message }], usage: chatUsage },
        citations: ['https://a.example/1', 'https://a.example/2'],
        search_results: [{ title: 'One', url: 'https://a.example/1' }],
      }),
      false,
      [{ url: 'https://a.example/1', title: 'One' }, { url: 'https://a.example/2' }],
    ],
  ])('cites sources from %s', async (_, reply, isStreamed, cited) => {
    const result = await runOf(reply, { api: 'chat', stream: isStreamed }).orThrow();
    expect(result.tasks[0]?.citations).toEqual(cited);
  });

  test('has no citations without sources', async () => {
    const reply = json(200, { choices: [{ ...choice, message }], usage: chatUsage });
    const result = await runOf(reply, { api: 'chat', stream: false }).orThrow();
    expect(result.tasks[0]).not.toHaveProperty('citations');
  });
});
