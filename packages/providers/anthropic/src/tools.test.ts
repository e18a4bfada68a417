import { createExecutor, createPlan, tool } from '@stratagem/core';
import {
  inOrder,
  type ModelReply,
  outputPartsOf,
  type Received,
  testServer,
} from '@stratagem/test-kit';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { saying } from '../test/model.js';
import { stream } from '../test/streams.js';
import { anthropic } from './anthropic.js';
import type { AnthropicOptions } from './options.js';

const server = testServer();
const search = tool({
  name: 'search',
  description: 'Searches the papers.',
  inputSchema: z.object({ query: z.string() }),
  execute: ({ query }) => ({ papers: [query] }),
});
const fail = tool({
  name: 'fail',
  description: 'Always fails.',
  inputSchema: z.object({}),
  execute: () => Promise.reject(new Error('the archive is closed')),
});
const tides = createPlan('Papers').addTask({
  id: 'a',
  description: 'What is known about tides?',
  tools: [search, fail],
});

function run(options: AnthropicOptions = {}) {
  const runner = anthropic({
    model: 'a-model',
    stream: true,
    apiKey: 'sk-ant',
    baseURL: server.url,
    ...options,
  });
  return createExecutor({ strategy: inOrder, runner, retry: { maxAttempts: 1 } }).execute(tides);
}

/** A model that gives these answers in order. */
function script(...sayings: ModelReply[]) {
  server.replyWith(
    ...sayings.map((said, position) => saying(said, { 'request-id': `req-${position + 1}` })),
  );
}

const twoCalls: ModelReply = {
  text: 'I look.',
  calls: [
    { name: 'search', input: { query: 'tides' } },
    { name: 'fail', input: {} },
  ],
};

test('the requests contain tools, calls and results', async () => {
  script(twoCalls, { text: 'One paper.' });
  await run({ instructions: 'Be brief.', cachePrompts: true });
  const $schema = 'https://json-schema.org/draft/2020-12/schema';
  const about = {
    model: 'a-model',
    max_tokens: 32_000,
    system: 'Be brief.',
    stream: true,
    cache_control: { type: 'ephemeral' },
    tools: [
      {
        name: 'search',
        description: 'Searches the papers.',
        input_schema: {
          $schema,
          type: 'object',
          properties: { query: { type: 'string' } },
          required: ['query'],
        },
      },
      {
        name: 'fail',
        description: 'Always fails.',
        input_schema: { $schema, type: 'object', properties: {} },
      },
    ],
  };
  const asked = { role: 'user', content: 'What is known about tides?' };
  expect(server.requests.map(({ body }) => body)).toEqual([
    { ...about, messages: [asked] },
    {
      ...about,
      messages: [
        asked,
        {
          role: 'assistant',
          content: [
            { type: 'text', text: 'I look.' },
            { type: 'tool_use', id: 'toolu_0', name: 'search', input: { query: 'tides' } },
            { type: 'tool_use', id: 'toolu_1', name: 'fail', input: {} },
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 'toolu_0', content: '{"papers":["tides"]}' },
            {
              type: 'tool_result',
              tool_use_id: 'toolu_1',
              content: 'Error: the archive is closed',
              is_error: true,
            },
          ],
        },
      ],
    },
  ]);
});

test('thinking is repeated together with the calls that it led to', async () => {
  const events = [
    { type: 'message_start', message: { model: 'a-model', content: [] } },
    {
      type: 'content_block_start',
      index: 0,
      content_block: { type: 'thinking', thinking: '', signature: '' },
    },
    { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'Hm' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: '.' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 's1' } },
    {
      type: 'content_block_start',
      index: 1,
      content_block: { type: 'tool_use', id: 'toolu_0', name: 'search', input: {} },
    },
    {
      type: 'content_block_delta',
      index: 1,
      delta: { type: 'input_json_delta', partial_json: '{"query":' },
    },
    { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 3 } },
    { type: 'message_stop' },
  ];
  server.replyWith(stream(events), saying({ text: 'Done.' }));
  const result = await run();
  expect(result.outputs).toEqual({ a: 'Done.' });
  expect(((server.requests[1] as Received).body.messages as unknown[])[1]).toEqual({
    role: 'assistant',
    content: [
      { type: 'thinking', thinking: 'Hm.', signature: 's1' },
      { type: 'tool_use', id: 'toolu_0', name: 'search', input: {} },
    ],
  });
  expect(outputPartsOf(result.timeline)).toContainEqual(
    expect.objectContaining({ kind: 'tool_call', input: '{"query":' }),
  );
});

/** A tool call as compatible servers stream it: block events without the rest. */
const useOf = (index: number, id: string, ...pieces: string[]) => [
  {
    type: 'content_block_start',
    index,
    content_block: { type: 'tool_use', id, name: 'search', input: {} },
  },
  ...pieces.map((partial_json) => ({
    type: 'content_block_delta',
    index,
    delta: { type: 'input_json_delta', partial_json },
  })),
  { type: 'content_block_stop', index },
];
const end = [
  { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 3 } },
  { type: 'message_stop' },
];
const tidesJson = '{"query":"tides"}';

test.each<[string, object[], string[]]>([
  ['empty arguments before the whole ones', useOf(0, 't', '{}', tidesJson), ['tides']],
  ['the arguments twice', useOf(0, 't', tidesJson, tidesJson), ['tides']],
  ['a call at two indexes', [...useOf(0, 't', tidesJson), ...useOf(1, 't', tidesJson)], ['tides']],
  [
    'two calls with one id at one index',
    [...useOf(0, 't', tidesJson), ...useOf(0, 't', '{"query":"moon"}')],
    ['tides', 'moon'],
  ],
])('a server that sends %s has each call executed once', async (_, events, queries) => {
  server.replyWith(stream([...events, ...end] as never), saying({ text: 'Done.' }));
  const result = await run();
  expect(result.outputs).toEqual({ a: 'Done.' });
  const calls = outputPartsOf(result.timeline) as { kind: string; callId: string; input: object }[];
  const made = calls.filter(({ kind }) => kind === 'tool_call');
  expect(made.map(({ input }) => input)).toEqual(queries.map((query) => ({ query })));
  expect(new Set(made.map(({ callId }) => callId)).size).toBe(queries.length);
  expect(server.requests[1]?.body.messages).toMatchObject([
    { role: 'user' },
    { role: 'assistant', content: made.map(({ callId: id, input }) => ({ id, input })) },
    { role: 'user', content: made.map(({ callId }) => ({ tool_use_id: callId })) },
  ]);
});
