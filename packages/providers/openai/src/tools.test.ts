import { createExecutor, createPlan, type PlanEvent, tool } from '@stratagem/core';
import { inOrder, testServer } from '@stratagem/test-kit';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { isToolResult, type Saying, saying } from '../test/model.js';
import { stream } from '../test/server.js';
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
  description: 'Never works.',
  inputSchema: z.object({}),
  execute: () => Promise.reject(new Error('the archive is closed')),
});

/** Runs a plan of one task, with a model that says these one after the other. */
async function ask(api: 'responses' | 'chat', options: OpenAIOptions, ...script: Saying[]) {
  server.replyWith(
    ...script.map((said, position) => saying(said, { 'x-request-id': `req-${position + 1}` })),
  );
  const runner = openai({
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

const outputsOf = (timeline: readonly PlanEvent[]) =>
  timeline.flatMap((event) => {
    if (event.type !== 'task_output') return [];
    const { sequence: _, timestamp, type, taskId, level, attempt, ...part } = event;
    return part;
  });

const twoCalls: Saying = {
  calls: [
    { name: 'search', input: { query: 'tides' } },
    { name: 'fail', input: {} },
  ],
};

describe.each(['responses', 'chat'] as const)('through %s', (api) => {
  test('every step is in the log, and the tokens of all are counted', async () => {
    const result = await ask(api, {}, twoCalls, { text: 'Three papers.' });
    expect(result.error).toBeUndefined();
    expect(result.outputs).toEqual({ a: 'Three papers.' });
    const usage = { inputTokens: 12, outputTokens: 3 };
    const step = { kind: 'step', model: 'a-model-2026', usage };
    expect(outputsOf(result.timeline)).toMatchObject([
      { ...step, step: 1, requestId: 'req-1' },
      { kind: 'tool_call', callId: 'call_0', tool: 'search', input: { query: 'tides' } },
      { kind: 'tool_call', callId: 'call_1', tool: 'fail', input: {} },
      { kind: 'tool_result', callId: 'call_0', ok: true, output: '3 papers on tides' },
      { kind: 'tool_result', callId: 'call_1', ok: false, message: 'the archive is closed' },
      { kind: 'text', text: 'Three p' },
      { kind: 'text', text: 'apers.' },
      { ...step, step: 2, requestId: 'req-2' },
    ]);
    expect(result.metrics.usage).toMatchObject({ inputTokens: 24, outputTokens: 6 });
    expect(result.tasks[0]).toMatchObject({ attempts: 1 });
  });

  test('a model that never stops calling is stopped at maxSteps', async () => {
    const result = await ask(api, { maxSteps: 2 }, twoCalls);
    expect(result.status).toBe('failed');
    expect(result.tasks[0]?.error).toMatchObject({
      code: 'step_limit',
      usage: { inputTokens: 24 },
    });
    expect(server.requests).toHaveLength(2);
  });
});

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

test('the requests of the Responses API are these', async () => {
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
        description: 'Never works.',
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

test('what a server sent before and does not repeat at the end is not lost', async () => {
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

test('the requests of Chat Completions are these', async () => {
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
        function: { name: 'fail', description: 'Never works.', parameters: nothing },
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
