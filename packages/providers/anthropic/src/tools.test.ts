import { createExecutor, createPlan, type PlanEvent, tool } from '@stratagem/core';
import { inOrder, type Received, testServer } from '@stratagem/test-kit';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { type Saying, saying } from '../test/model.js';
import { stream } from '../test/server.js';
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
  description: 'Never works.',
  inputSchema: z.object({}),
  execute: () => Promise.reject(new Error('the archive is closed')),
});
const tides = createPlan('Papers').addTask({
  id: 'a',
  description: 'What is known about tides?',
  tools: [search, fail],
});

function run(options: AnthropicOptions = {}) {
  const runner = anthropic({ model: 'a-model', apiKey: 'sk-ant', baseURL: server.url, ...options });
  return createExecutor({ strategy: inOrder, runner, retry: { maxAttempts: 1 } }).execute(tides);
}

/** A model that says these one after the other. */
function script(...sayings: Saying[]) {
  server.replyWith(
    ...sayings.map((said, position) => saying(said, { 'request-id': `req-${position + 1}` })),
  );
}

const outputsOf = (timeline: readonly PlanEvent[]) =>
  timeline.flatMap((event) => {
    if (event.type !== 'task_output') return [];
    const { sequence: _, timestamp, type, taskId, level, attempt, ...part } = event;
    return part;
  });

const twoCalls: Saying = {
  text: 'I look.',
  calls: [
    { name: 'search', input: { query: 'tides' } },
    { name: 'fail', input: {} },
  ],
};

test('every step is in the log, and the tokens of all are counted', async () => {
  script(twoCalls, { text: 'One paper.' });
  const result = await run();
  expect(result.error).toBeUndefined();
  expect(result.outputs).toEqual({ a: 'One paper.' });
  const step = { kind: 'step', model: 'a-model-2026', usage: { inputTokens: 12, outputTokens: 3 } };
  expect(outputsOf(result.timeline)).toMatchObject([
    { kind: 'text', text: 'I look.' },
    { ...step, step: 1, requestId: 'req-1' },
    { kind: 'tool_call', callId: 'toolu_0', tool: 'search', input: { query: 'tides' } },
    { kind: 'tool_call', callId: 'toolu_1', tool: 'fail', input: {} },
    { kind: 'tool_result', callId: 'toolu_0', ok: true, output: { papers: ['tides'] } },
    { kind: 'tool_result', callId: 'toolu_1', ok: false, message: 'the archive is closed' },
    { kind: 'text', text: 'One pap' },
    { kind: 'text', text: 'er.' },
    { ...step, step: 2, requestId: 'req-2' },
  ]);
  expect(result.metrics.usage).toMatchObject({ inputTokens: 24, outputTokens: 6 });
});

test('the requests are these', async () => {
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
        description: 'Never works.',
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

test('a model that never stops calling is stopped at maxSteps', async () => {
  script(twoCalls);
  const result = await run({ maxSteps: 3 });
  expect(result.tasks[0]?.error).toMatchObject({ code: 'step_limit', usage: { inputTokens: 36 } });
  expect(server.requests).toHaveLength(3);
});

test('what the model thought is said again with what it called', async () => {
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
  expect(outputsOf(result.timeline)).toContainEqual(
    expect.objectContaining({ kind: 'tool_call', input: '{"query":' }),
  );
});
