import { createExecutor, tool } from '@stratagem/core';
import { inOrder, testServer, wireOf } from '@stratagem/test-kit';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { anthropic } from './anthropic.js';

const server = testServer();
const tideLevel = tool({
  name: 'tide_level',
  description: 'The level of the water at a port, in metres.',
  inputSchema: z.object({ port: z.string() }),
  execute: ({ port }) => ({ port, level: 11.4 }),
});
const question = 'How high is the water at St. Malo?';
const answer = 'The water at St. Malo stands at 11.4 m — a spring tide.';

/** A task with a tool, on streams that are shaped in every field like those of the service. */
async function run() {
  const replies = await Promise.all(
    ['call', 'text'].map((name, position) =>
      wireOf(new URL(`../test/fixtures/message-${name}.txt`, import.meta.url), {
        'request-id': `req_${position + 1}`,
        'anthropic-ratelimit-requests-limit': '4000',
        'anthropic-ratelimit-requests-remaining': `${3_999 - position}`,
        'anthropic-ratelimit-requests-reset': '2020-01-01T00:00:00Z',
      }),
    ),
  );
  server.replyWith(...replies);
  const runner = anthropic({ apiKey: 'sk-ant-test', baseURL: server.url, cachePrompts: true });
  const tasks = [{ id: 'a', description: question, tools: [tideLevel] }];
  const result = await createExecutor({ strategy: inOrder, runner }).execute({ goal: 'x', tasks });
  expect(result.error).toBeUndefined();
  return result;
}

test('a stream of the service is understood to its last token', async () => {
  const { outputs, timeline } = await run();
  expect(outputs).toEqual({ a: answer });
  const steps = timeline.filter((event) => event.type === 'task_output' && event.kind === 'step');
  const model = 'claude-sonnet-5-5';
  expect(steps).toMatchObject([
    {
      ...{ step: 1, model, requestId: 'req_1' },
      usage: {
        ...{ inputTokens: 2_460, cachedInputTokens: 0, cacheWriteInputTokens: 2_048 },
        ...{ outputTokens: 97, reasoningTokens: 31 },
      },
    },
    {
      ...{ step: 2, model, requestId: 'req_2' },
      usage: {
        ...{ inputTokens: 2_495, cachedInputTokens: 2_460, cacheWriteInputTokens: 0 },
        ...{ outputTokens: 24, reasoningTokens: 0 },
      },
    },
  ]);
  expect(timeline.find(({ type }) => type === 'task_completed')).toMatchObject({
    ...{ model, requestId: 'req_2' },
    usage: {
      ...{ inputTokens: 4_955, cachedInputTokens: 2_460, cacheWriteInputTokens: 2_048 },
      ...{ outputTokens: 121, reasoningTokens: 31 },
    },
    rateLimits: { requests: { limit: 4_000, remaining: 3_998, resetMs: 0 } },
  });
  const texts = timeline.flatMap((event) =>
    event.type === 'task_output' && event.kind === 'text' ? event.text : [],
  );
  expect(texts.join('')).toBe(`I'll look that up.${answer}`);
});

test('what was thought and said goes along with what was called', async () => {
  await run();
  const { name, description } = tideLevel;
  const about = {
    ...{ model: 'claude-sonnet-5-5', max_tokens: 32_000, stream: true },
    cache_control: { type: 'ephemeral' },
    tools: [
      {
        name,
        description,
        input_schema: {
          $schema: 'https://json-schema.org/draft/2020-12/schema',
          type: 'object',
          properties: { port: { type: 'string' } },
          required: ['port'],
        },
      },
    ],
  };
  const asked = { role: 'user', content: question };
  const id = 'toolu_01Bd4Fg7Hj9Kl2Mn5Pq8Rs';
  expect(server.requests.map(({ body }) => body)).toEqual([
    { ...about, messages: [asked] },
    {
      ...about,
      messages: [
        asked,
        {
          role: 'assistant',
          content: [
            {
              type: 'thinking',
              thinking: 'The level has to be looked up first.',
              signature: expect.stringMatching(/^EpQB.*==$/),
            },
            { type: 'text', text: "I'll look that up." },
            {
              ...{ type: 'tool_use', id, name, input: { port: 'St. Malo' } },
              caller: { type: 'direct' },
            },
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: id, content: '{"port":"St. Malo","level":11.4}' },
          ],
        },
      ],
    },
  ]);
});
