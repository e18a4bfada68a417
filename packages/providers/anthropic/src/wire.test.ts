import { expectRecorded, RECORDED, runRecorded, testServer } from '@stratagem/test-kit';
import { expect, test } from 'vitest';
import { anthropic } from './anthropic.js';

const server = testServer();
const { question, answer, output, input } = RECORDED;

/** A task with a tool, on streams with every field of the service. */
function run() {
  const streams = ['call', 'text'].map((kind, position) => ({
    file: new URL(`../test/fixtures/message-${kind}.txt`, import.meta.url),
    headers: {
      'request-id': `req_${position + 1}`,
      'anthropic-ratelimit-requests-limit': '4000',
      'anthropic-ratelimit-requests-remaining': `${3_999 - position}`,
      'anthropic-ratelimit-requests-reset': '2020-01-01T00:00:00Z',
    },
  }));
  return runRecorded(server, streams, (baseURL) =>
    anthropic({ apiKey: 'sk-ant-test', baseURL, cachePrompts: true, stream: true }),
  );
}

test('a stream of the service is read to its last token', async () => {
  const model = 'claude-sonnet-5-5';
  const texts = expectRecorded(await run(), {
    steps: [
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
    ],
    completed: {
      ...{ model, requestId: 'req_2' },
      usage: {
        ...{ inputTokens: 4_955, cachedInputTokens: 2_460, cacheWriteInputTokens: 2_048 },
        ...{ outputTokens: 121, reasoningTokens: 31 },
      },
      rateLimits: { requests: { limit: 4_000, remaining: 3_998, resetMs: 0 } },
    },
  });
  expect(texts.join('')).toBe(`I'll look that up.${answer}`);
});

test('thinking and text are repeated together with the calls', async () => {
  await run();
  const { name, description } = RECORDED.tool;
  const about = {
    ...{ model: 'claude-sonnet-5-5', max_tokens: 32_000, stream: true },
    cache_control: { type: 'ephemeral' },
    tools: [
      {
        name,
        description,
        input_schema: RECORDED.inputSchema,
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
              ...{ type: 'tool_use', id, name, input },
              caller: { type: 'direct' },
            },
          ],
        },
        {
          role: 'user',
          content: [{ type: 'tool_result', tool_use_id: id, content: output }],
        },
      ],
    },
  ]);
});
