import { createExecutor, createPlan, tool } from '@stratagem/core';
import { inOrder, type ModelReply, testServer } from '@stratagem/test-kit';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { isToolResult, saying } from '../test/model.js';
import { stream } from '../test/streams.js';
import { openai } from './openai.js';
import type { OpenAIOptions } from './options.js';

const server = testServer('/v1');
const search = tool({
  name: 'search',
  description: 'Searches the papers.',
  inputSchema: z.object({ query: z.string(), limit: z.int().default(3) }),
  execute: ({ query, limit }) => `${limit} papers on ${query}`,
});
const fail = tool({
  name: 'fail',
  description: 'Always fails.',
  inputSchema: z.object({}),
  execute: () => Promise.reject(new Error('the archive is closed')),
});

/** Runs a plan of one task with a model that gives these answers in order. */
async function ask(api: 'responses' | 'chat', options: OpenAIOptions, ...script: ModelReply[]) {
  server.replyWith(
    ...script.map((said, position) => saying(said, { 'x-request-id': `req-${position + 1}` })),
  );
  const runner = openai({
    stream: true,
    model: 'a-model',
    apiKey: 'sk-test',
    baseURL: server.url,
    api,
    ...options,
  });
  const plan = createPlan('Papers').addTask({
    id: 'a',
    description: 'What is known about tides?',
    tools: [search, fail],
  });
  return createExecutor({ strategy: inOrder, runner }).execute(plan);
}

const twoCalls: ModelReply = {
  calls: [
    { name: 'search', input: { query: 'tides' } },
    { name: 'fail', input: {} },
  ],
};

const parameters = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  properties: {
    query: { type: 'string' },
    limit: { default: 3, type: 'integer', minimum: -9007199254740991, maximum: 9007199254740991 },
  },
  required: ['query'],
};
const nothing = { $schema: parameters.$schema, type: 'object', properties: {} };

test('the requests of the Responses API contain tools, calls and results', async () => {
  await ask('responses', { instructions: 'Be brief.' }, twoCalls, { text: 'Three papers.' });
  const about = {
    model: 'a-model',
    instructions: 'Be brief.',
    stream: true,
    tools: [
      {
        type: 'function',
        name: 'search',
        description: 'Searches the papers.',
        parameters,
        strict: false,
      },
      {
        type: 'function',
        name: 'fail',
        description: 'Always fails.',
        parameters: nothing,
        strict: false,
      },
    ],
  };
  expect(server.requests.map(({ body }) => body)).toEqual([
    { ...about, input: 'What is known about tides?' },
    {
      ...about,
      input: [
        { type: 'message', role: 'user', content: 'What is known about tides?' },
        {
          type: 'function_call',
          id: 'fc_0',
          call_id: 'call_0',
          name: 'search',
          arguments: '{"query":"tides"}',
          status: 'completed',
        },
        {
          type: 'function_call',
          id: 'fc_1',
          call_id: 'call_1',
          name: 'fail',
          arguments: '{}',
          status: 'completed',
        },
        { type: 'function_call_output', call_id: 'call_0', output: '3 papers on tides' },
        { type: 'function_call_output', call_id: 'call_1', output: 'Error: the archive is closed' },
      ],
    },
  ]);
  expect(server.requests.map(isToolResult)).toEqual([false, true]);
});

test('streamed items that the final response does not repeat are kept', async () => {
  const call = {
    ...{ type: 'function_call', id: 'fc_1', call_id: 'call_1', status: 'completed' },
    ...{ name: 'search', arguments: '{"query":"tides"}' },
  };
  const message = {
    ...{ type: 'message', id: 'msg_1', role: 'assistant', status: 'completed' },
    content: [{ type: 'output_text', text: 'Three papers.', annotations: [] }],
  };
  const answer = (item: object) =>
    stream([
      { type: 'response.output_item.done', output_index: 0, item },
      { type: 'response.completed', response: { status: 'completed', output: [] } },
    ]);
  server.replyWith(answer(call), answer(message));
  const runner = openai({
    stream: true,
    model: 'a-model',
    apiKey: 'sk-test',
    baseURL: server.url,
    api: 'responses',
  });
  const tasks = [{ id: 'a', description: 'What is known about tides?', tools: [search] }];
  const { outputs } = await createExecutor({ strategy: inOrder, runner }).execute({
    goal: 'x',
    tasks,
  });
  expect(outputs).toEqual({ a: 'Three papers.' });
  expect(server.requests[1]?.body.input).toMatchObject([
    { role: 'user' },
    call,
    { type: 'function_call_output', call_id: 'call_1', output: '3 papers on tides' },
  ]);
});

test('the requests of Chat Completions contain tools, calls and results', async () => {
  await ask('chat', { instructions: 'Be brief.' }, twoCalls, { text: 'Three papers.' });
  const about = {
    model: 'a-model',
    stream: true,
    stream_options: { include_usage: true },
    tools: [
      {
        type: 'function',
        function: { name: 'search', description: 'Searches the papers.', parameters },
      },
      {
        type: 'function',
        function: { name: 'fail', description: 'Always fails.', parameters: nothing },
      },
    ],
  };
  const first = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'What is known about tides?' },
  ];
  expect(server.requests.map(({ body }) => body)).toEqual([
    { ...about, messages: first },
    {
      ...about,
      messages: [
        ...first,
        {
          role: 'assistant',
          content: null,
          tool_calls: [
            {
              id: 'call_0',
              type: 'function',
              function: { name: 'search', arguments: '{"query":"tides"}' },
            },
            { id: 'call_1', type: 'function', function: { name: 'fail', arguments: '{}' } },
          ],
        },
        { role: 'tool', tool_call_id: 'call_0', content: '3 papers on tides' },
        { role: 'tool', tool_call_id: 'call_1', content: 'Error: the archive is closed' },
      ],
    },
  ]);
});

test.each<[string, (call: object) => object[]]>([
  [
    'only the arguments, at their end',
    (call) => [
      {
        type: 'response.output_item.added',
        output_index: 0,
        item: { ...call, arguments: '{}' },
      },
      {
        type: 'response.function_call_arguments.done',
        output_index: 0,
        arguments: '{"query":"tides"}',
      },
      { type: 'response.completed', response: { status: 'completed', output: [] } },
    ],
  ],
  [
    'a call twice',
    (call) => [
      { type: 'response.completed', response: { status: 'completed', output: [call, call] } },
    ],
  ],
])('a server of the Responses API that sends %s has it executed once', async (_, events) => {
  const call = {
    ...{ type: 'function_call', id: 'fc_1', call_id: 'call_1', status: 'completed' },
    ...{ name: 'search', arguments: '{"query":"tides"}' },
  };
  server.replyWith(stream(events(call)), saying({ text: 'Done.' }));
  const runner = openai({
    stream: true,
    ...{ model: 'a-model', apiKey: 'sk-test' },
    ...{ baseURL: server.url, api: 'responses' },
  });
  const tasks = [{ id: 'a', description: 'What is known about tides?', tools: [search] }];
  const result = await createExecutor({ strategy: inOrder, runner }).execute({ goal: 'x', tasks });
  expect(result.outputs).toEqual({ a: 'Done.' });
  expect(server.requests[1]?.body.input).toMatchObject([
    { role: 'user' },
    call,
    { type: 'function_call_output', call_id: 'call_1', output: '3 papers on tides' },
  ]);
});
