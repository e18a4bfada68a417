import { createPlan } from '@stratagem/core';
import { batchConformance } from '@stratagem/test-kit';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { BatchApi, type SentRequest } from '../test/batch-api.js';
import { anthropicBatch } from './batch.js';

/** The result of a request that succeeded. */
function saying(text: string) {
  const usage = { input_tokens: 5, output_tokens: 2 };
  const content = [{ type: 'text', text }];
  return {
    type: 'succeeded',
    message: { role: 'assistant', model: 'm-2026', stop_reason: 'end_turn', content, usage },
  };
}

const answered = (change: object) => ({
  type: 'succeeded',
  message: { ...saying('a').message, ...change },
});
const apiKey = 'sk-ant-planted-0123456789';
const failed = (type: string, message: string) => ({
  type: 'errored',
  error: { type: 'error', error: { type, message } },
});

const { start, run } = batchConformance<SentRequest, object, BatchApi>({
  name: 'anthropicBatch',
  apiKey,
  basePath: '',
  create: (options) => anthropicBatch(options),
  createApi: () => new BatchApi(),
  jobId: 'msgbatch_1',
  saying,
  request: {
    params: {
      model: 'm',
      max_tokens: 32_000,
      system: 'Be brief.',
      messages: [{ role: 'user', content: 'Say a.' }],
    },
  },
  failures: [
    [
      'a result that quotes the key',
      failed('invalid_request_error', `The key ${apiKey} may not.`),
      'invalid_request',
      'The key [redacted] may not.',
    ],
    [
      'a refused request',
      failed('invalid_request_error', 'Bad prompt.'),
      'invalid_request',
      'anthropic/m: Bad prompt.',
    ],
    ['a refusal', answered({ stop_reason: 'refusal' }), 'refused', 'refused to answer'],
    ['a truncated answer', answered({ stop_reason: 'max_tokens' }), 'truncated', 'cut off'],
    ['a canceled request', { type: 'canceled' }, 'rejected', 'canceled with its batch'],
  ],
  transient: [
    ['an expired request', { type: 'expired' }],
    ['a server error', failed('api_error', 'Oops.')],
    ['no capacity', failed('overloaded_error', 'Busy.')],
    ['no result', undefined],
    ['a result of an unknown type', { type: 'paused' }],
  ],
});

test('a schema uses structured output, or a tool where the API does not support the schema', async () => {
  const give = { type: 'tool_use', id: 't', name: 'give_answer', input: { sea: 1 } };
  const api = start({
    outcome: ({ params }) =>
      params.tools === undefined ? saying('{"name":"Sea"}') : answered({ content: [give] }),
  });
  const plan = createPlan('Name')
    .addTask({
      id: 'a',
      description: 'Name a café.',
      outputSchema: z.object({ name: z.string() }),
    })
    .addTask({
      id: 'b',
      description: 'Count the names.',
      outputSchema: z.record(z.string(), z.number()),
    });
  const result = await run(plan);
  expect(result.outputs).toEqual({ a: { name: 'Sea' }, b: { sea: 1 } });
  const [named, counted] = ['Name a café.', 'Count the names.'].map((content) =>
    api.jobs.flat().find(({ params }) => JSON.stringify(params).includes(content)),
  );
  expect(named?.params.output_config).toMatchObject({ format: { type: 'json_schema' } });
  expect(counted?.params.tool_choice).toEqual({ type: 'tool', name: 'give_answer' });
});

test('an answer has its citations and the calls of tools that the provider ran', async () => {
  const content = [
    { type: 'server_tool_use', id: 's_1', name: 'web_search', input: { query: 'tides' } },
    {
      ...{ type: 'web_search_tool_result', tool_use_id: 's_1' },
      content: [{ type: 'web_search_result', url: 'https://a.example', title: 'Tides' }],
    },
    {
      ...{ type: 'text', text: 'The moon.' },
      citations: [
        {
          ...{ type: 'web_search_result_location', url: 'https://a.example', title: 'Tides' },
          cited_text: 'The moon causes tides.',
        },
      ],
    },
  ];
  const api = start({ outcome: () => answered({ content }) });
  const plan = createPlan('Tides').addTask({
    ...{ id: 'a', description: 'Why?', serverTools: ['web_search'] },
  });
  const result = await run(plan);
  expect(api.jobs[0]?.[0]?.params.tools).toEqual([
    { type: 'web_search_20250305', name: 'web_search' },
  ]);
  expect(result.tasks[0]).toMatchObject({
    output: 'The moon.',
    citations: [{ url: 'https://a.example', title: 'Tides', quote: 'The moon causes tides.' }],
    serverToolCalls: [{ tool: 'web_search', queries: ['tides'], sources: [{ title: 'Tides' }] }],
  });
});

test.each([
  ['Image is not supported by this model.', true],
  ['max_tokens must be positive.', false],
])('a request with attachments that is refused with "%s" says so: %s', async (message, isAbout) => {
  start({ outcome: () => failed('invalid_request_error', message) });
  const plan = createPlan('See').addTask({
    ...{ id: 'a', description: 'What is this?' },
    attachments: [{ data: new TextEncoder().encode('pixels'), mediaType: 'image/png' }],
  });
  const result = await run(plan);
  const { error } = result.tasks[0] ?? {};
  expect(error?.code).toBe('invalid_request');
  const advice = 'the request has attachments (image/png): does the model take them?';
  if (isAbout) expect(error?.message).toContain(advice);
  else expect(error?.message).not.toContain('attachments');
});

test('an hour in the prompt cache costs more than minutes, at half the price', async () => {
  const usage = {
    ...{ input_tokens: 0, output_tokens: 0, cache_creation_input_tokens: 1_000_000 },
    cache_creation: { ephemeral_5m_input_tokens: 600_000, ephemeral_1h_input_tokens: 400_000 },
  };
  start({ outcome: () => answered({ model: 'claude-sonnet-5-5', usage }) });
  const result = await run(createPlan('a').addTask({ id: 'a', description: 'Say a.' }));
  expect(result.metrics.costUsd).toBeCloseTo(0.5 * (0.6 * 2.5 + 0.4 * 4));
});
