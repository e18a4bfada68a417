import { createExecutor, tool } from '@stratagem/core';
import { inOrder, testServer, wireOf } from '@stratagem/test-kit';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { openai } from './openai.js';

const server = testServer('/v1');
const tideLevel = tool({
  name: 'tide_level',
  description: 'The level of the water at a port, in metres.',
  inputSchema: z.object({ port: z.string() }),
  execute: ({ port }) => ({ port, level: 11.4 }),
});
const question = 'How high is the water at St. Malo?';
const answer = 'The water at St. Malo stands at 11.4 m — a spring tide.';
const callId = 'call_Tq7Zk2LmPw9xYc4VbN8sRd1H';
const input = '{"port":"St. Malo"}';
const output = '{"port":"St. Malo","level":11.4}';

/** A task with a tool, on streams that are shaped in every field like those of the service. */
async function run(api: 'responses' | 'chat') {
  const replies = await Promise.all(
    ['call', 'text'].map((name, position) =>
      wireOf(new URL(`../test/fixtures/${api}-${name}.txt`, import.meta.url), {
        'x-request-id': `req-${position + 1}`,
        'x-ratelimit-limit-requests': '10000',
        'x-ratelimit-remaining-requests': `${9_999 - position}`,
        'x-ratelimit-reset-requests': '6ms',
      }),
    ),
  );
  server.replyWith(...replies);
  const runner = openai({ model: 'gpt-6.1-sol', apiKey: 'sk-test', baseURL: server.url, api });
  const tasks = [{ id: 'a', description: question, tools: [tideLevel] }];
  const result = await createExecutor({ strategy: inOrder, runner }).execute({ goal: 'x', tasks });
  expect(result.error).toBeUndefined();
  return result;
}

const usages = {
  responses: [
    {
      ...{ inputTokens: 61, cachedInputTokens: 0 },
      ...{ outputTokens: 88, reasoningTokens: 64 },
    },
    {
      ...{ inputTokens: 1_173, cachedInputTokens: 1_024, cacheWriteInputTokens: 128 },
      ...{ outputTokens: 21, reasoningTokens: 0 },
    },
  ],
  chat: [
    { inputTokens: 61, cachedInputTokens: 0, outputTokens: 88, reasoningTokens: 64 },
    { inputTokens: 1_173, cachedInputTokens: 1_024, outputTokens: 21, reasoningTokens: 0 },
  ],
};

describe.each(['responses', 'chat'] as const)('a stream of the service, through %s,', (api) => {
  test('is understood to its last token', async () => {
    const { outputs, timeline } = await run(api);
    expect(outputs).toEqual({ a: answer });
    const steps = timeline.filter((event) => event.type === 'task_output' && event.kind === 'step');
    const model = 'gpt-6.1-sol-2026-09-01';
    expect(steps).toMatchObject([
      { step: 1, model, requestId: 'req-1', usage: usages[api][0] },
      { step: 2, model, requestId: 'req-2', usage: usages[api][1] },
    ]);
    expect(timeline.find(({ type }) => type === 'task_completed')).toMatchObject({
      model,
      requestId: 'req-2',
      usage: {
        inputTokens: 1_234,
        cachedInputTokens: 1_024,
        outputTokens: 109,
        reasoningTokens: 64,
      },
      rateLimits: { requests: { limit: 10_000, remaining: 9_998, resetMs: 6 } },
    });
    const texts = timeline.flatMap((event) =>
      event.type === 'task_output' && event.kind === 'text' ? event.text : [],
    );
    expect(texts.length).toBeGreaterThan(3);
    expect(texts.join('')).toBe(answer);
  });
});

const parameters = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  properties: { port: { type: 'string' } },
  required: ['port'],
};
const { name, description } = tideLevel;

test('what was thought goes along with what was called, through the Responses API', async () => {
  await run('responses');
  const about = {
    ...{ model: 'gpt-6.1-sol', stream: true },
    tools: [{ type: 'function', name, description, parameters, strict: false }],
  };
  expect(server.requests.map(({ body }) => body)).toEqual([
    { ...about, input: question },
    {
      ...about,
      input: [
        { type: 'message', role: 'user', content: question },
        {
          id: 'rs_0a1b2c3d4e5f60718293a4b5c6d7e8f9',
          type: 'reasoning',
          encrypted_content: null,
          summary: [
            {
              type: 'summary_text',
              text: '**Looking up the tide**\n\nThe level has to be looked up first.',
            },
          ],
        },
        {
          id: 'fc_0f1e2d3c4b5a69788796a5b4c3d2e1f0',
          type: 'function_call',
          status: 'completed',
          arguments: input,
          call_id: callId,
          name,
        },
        { type: 'function_call_output', call_id: callId, output },
      ],
    },
  ]);
});

test('the whole conversation goes along, through Chat Completions', async () => {
  await run('chat');
  const about = {
    ...{ model: 'gpt-6.1-sol', stream: true, stream_options: { include_usage: true } },
    tools: [{ type: 'function', function: { name, description, parameters } }],
  };
  const calls = [{ id: callId, type: 'function', function: { name, arguments: input } }];
  expect(server.requests.map(({ body }) => body)).toEqual([
    { ...about, messages: [{ role: 'user', content: question }] },
    {
      ...about,
      messages: [
        { role: 'user', content: question },
        { role: 'assistant', content: null, tool_calls: calls },
        { role: 'tool', tool_call_id: callId, content: output },
      ],
    },
  ]);
});
