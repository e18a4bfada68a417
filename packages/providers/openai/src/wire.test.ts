import { expectRecorded, RECORDED, runRecorded, testServer } from '@stratagem/test-kit';
import { describe, expect, test } from 'vitest';
import { openai } from './openai.js';

const server = testServer('/v1');
const { question, output, inputSchema: parameters } = RECORDED;
const { name, description } = RECORDED.tool;
const callId = 'call_Tq7Zk2LmPw9xYc4VbN8sRd1H';
const input = JSON.stringify(RECORDED.input);

/** A task with a tool, on streams with every field of the service. */
function run(api: 'responses' | 'chat') {
  const streams = ['call', 'text'].map((kind, position) => ({
    file: new URL(`../test/fixtures/${api}-${kind}.txt`, import.meta.url),
    headers: {
      'x-request-id': `req-${position + 1}`,
      'x-ratelimit-limit-requests': '10000',
      'x-ratelimit-remaining-requests': `${9_999 - position}`,
      'x-ratelimit-reset-requests': '6ms',
    },
  }));
  return runRecorded(server, streams, (baseURL) =>
    openai({ stream: true, model: 'gpt-6.1-sol', apiKey: 'sk-test', baseURL, api }),
  );
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
  test('is read to its last token', async () => {
    const model = 'gpt-6.1-sol-2026-09-01';
    const [first, second] = usages[api];
    const texts = expectRecorded(await run(api), {
      steps: [
        { step: 1, model, requestId: 'req-1', usage: first },
        { step: 2, model, requestId: 'req-2', usage: second },
      ],
      completed: {
        model,
        requestId: 'req-2',
        usage: {
          ...{ inputTokens: 1_234, cachedInputTokens: 1_024 },
          ...{ outputTokens: 109, reasoningTokens: 64 },
        },
        rateLimits: { requests: { limit: 10_000, remaining: 9_998, resetMs: 6 } },
      },
    });
    expect(texts.length).toBeGreaterThan(3);
    expect(texts.join('')).toBe(RECORDED.answer);
  });
});

test('reasoning is repeated together with its calls, through the Responses API', async () => {
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

test('the whole conversation is repeated, through Chat Completions', async () => {
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
