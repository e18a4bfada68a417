import { attempt, json, request, testServer } from '@stratagem/test-kit';
import { describe, expect, test } from 'vitest';
import { stream } from '../test/streams.js';
import { anthropic } from './anthropic.js';
import type { AnthropicOptions } from './options.js';

const server = testServer();

function ask(prompt: string, options: AnthropicOptions = {}, context = attempt()) {
  const fixed = { apiKey: 'sk-ant-test-0123456789', baseURL: server.url };
  return anthropic({ model: 'a-model', ...fixed, ...options }).run(request(prompt), context);
}

const start = (usage?: object) => ({
  type: 'message_start',
  message: { model: 'a-model-2026', content: [], usage },
});
const delta = (text: string) => ({
  type: 'content_block_delta',
  index: 0,
  delta: { type: 'text_delta', text },
});
const end = (reason: string, usage?: object, details?: object) => ({
  type: 'message_delta',
  delta: { stop_reason: reason, stop_details: details },
  usage,
});
const stop = { type: 'message_stop' };

describe('the request', () => {
  test('has the prompt, and the limit that the API requires', async () => {
    server.replyWith(stream([start(), delta('Because.'), end('end_turn'), stop]));
    await ask('Why?');
    expect(server.requests[0]?.body).toEqual({
      model: 'a-model',
      max_tokens: 32_000,
      messages: [{ role: 'user', content: 'Why?' }],
      stream: true,
    });
  });

  test('has every option', async () => {
    server.replyWith(stream([start(), delta('Because.'), end('end_turn'), stop]));
    await ask('Why?', { instructions: 'Be brief.', maxOutputTokens: 200 });
    expect(server.requests[0]?.body).toEqual({
      model: 'a-model',
      max_tokens: 200,
      system: 'Be brief.',
      messages: [{ role: 'user', content: 'Why?' }],
      stream: true,
    });
  });
});

describe('the answer', () => {
  test('has the text, the usage, the model that answered and the id of the request', async () => {
    const events = [
      start({ input_tokens: 100, output_tokens: 1, cache_read_input_tokens: 60 }),
      { type: 'ping' },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      delta('Be'),
      delta('cause.'),
      { type: 'content_block_stop', index: 0 },
      end('end_turn', { output_tokens: 40, output_tokens_details: { thinking_tokens: 25 } }),
      stop,
    ];
    server.replyWith(stream(events, { 'request-id': 'req_1' }));
    const context = attempt();
    expect(await ask('Why?', {}, context)).toEqual({
      output: 'Because.',
      usage: { inputTokens: 160, cachedInputTokens: 60, outputTokens: 40, reasoningTokens: 25 },
      model: 'a-model-2026',
      requestId: 'req_1',
    });
    expect(context.emitted.join('')).toBe('Because.');
  });

  test('has the counts of its last event where they differ from the first', async () => {
    const first = { input_tokens: 1, output_tokens: 1, cache_creation_input_tokens: 1 };
    const last = {
      input_tokens: 10,
      output_tokens: 20,
      cache_creation_input_tokens: 300,
      cache_read_input_tokens: 4_000,
    };
    server.replyWith(stream([start(first), delta('a'), end('end_turn', last), stop]));
    expect((await ask('Why?')).usage).toEqual({
      inputTokens: 4_310,
      cachedInputTokens: 4_000,
      cacheWriteInputTokens: 300,
      outputTokens: 20,
    });
  });

  test('has the limits that the server announces, and so has an error', async () => {
    const limits = Object.entries({ requests: 50, 'input-tokens': 30_000, 'output-tokens': 8_000 });
    const headers = Object.fromEntries(
      limits.flatMap(([name, limit]) => [
        [`anthropic-ratelimit-${name}-limit`, `${limit}`],
        [`anthropic-ratelimit-${name}-remaining`, `${limit / 10}`],
        [`anthropic-ratelimit-${name}-reset`, '2020-01-01T00:00:00Z'],
      ]),
    );
    const rateLimits = {
      requests: { limit: 50, remaining: 5, resetMs: 0 },
      inputTokens: { limit: 30_000, remaining: 3_000, resetMs: 0 },
      outputTokens: { limit: 8_000, remaining: 800, resetMs: 0 },
    };
    server.replyWith(stream([start(), delta('Because.'), end('end_turn'), stop], headers));
    expect(await ask('Why?')).toMatchObject({ rateLimits });
    const error = { type: 'rate_limit_error', message: 'Slow down.' };
    server.replyWith(json(429, { type: 'error', error }, headers));
    await expect(ask('Why?')).rejects.toMatchObject({ code: 'rate_limited', rateLimits });
  });

  test('may come without usage', async () => {
    server.replyWith(stream([start(), delta('Because.'), end('end_turn'), stop]));
    const result = await ask('Why?');
    expect(result.output).toBe('Because.');
    expect(result.usage).toBeUndefined();
  });

  test('does not contain thinking', async () => {
    const thought = { type: 'thinking_delta', thinking: 'Hm.' };
    const events = [start(), { type: 'content_block_delta', index: 0, delta: thought }];
    server.replyWith(stream([...events, delta('Because.'), end('end_turn'), stop]));
    const context = attempt();
    expect((await ask('Why?', {}, context)).output).toBe('Because.');
    expect(context.emitted).toEqual(['Because.']);
  });
});

describe('an attempt fails', () => {
  test.each([
    [
      'refused',
      'when the model refuses and says why',
      [start(), end('refusal', {}, { category: 'bio', explanation: 'Too risky.' }), stop],
      'anthropic/a-model refused: Too risky.',
    ],
    [
      'refused',
      'when the model refuses for a known category',
      [start(), end('refusal', {}, { category: 'bio', explanation: null }), stop],
      'anthropic/a-model refused: bio',
    ],
    [
      'refused',
      'when the model refuses without a reason',
      [start(), end('refusal'), stop],
      'anthropic/a-model refused to answer',
    ],
    [
      'truncated',
      'when the answer is cut off',
      [start(), delta('Beca'), end('max_tokens'), stop],
      'anthropic/a-model: the answer was cut off after 200 tokens; raise maxOutputTokens',
    ],
    [
      'truncated',
      'when the context window is full',
      [start(), delta('Beca'), end('model_context_window_exceeded'), stop],
      "anthropic/a-model: the answer was cut off at the end of the model's context window",
    ],
    [
      'connection',
      'when the stream ends before the answer',
      [start(), delta('Beca')],
      'anthropic/a-model: the stream ended before the answer was complete',
    ],
    [
      'overloaded',
      'when the stream contains an error',
      [start(), { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }],
      'anthropic/a-model: Overloaded',
    ],
  ])('as %s %s', async (code, _, events, text) => {
    server.replyWith(stream(events, { 'request-id': 'req_1' }));
    await expect(ask('Why?', { maxOutputTokens: 200 })).rejects.toMatchObject({
      name: 'RunnerError',
      code,
      message: text,
      requestId: 'req_1',
    });
    expect(server.requests).toHaveLength(1);
  });

  test('and the text of a truncated answer has been emitted', async () => {
    server.replyWith(stream([start(), delta('Beca'), end('max_tokens'), stop]));
    const context = attempt();
    await expect(ask('Why?', {}, context)).rejects.toMatchObject({ code: 'truncated' });
    expect(context.emitted).toEqual(['Beca']);
  });
});

describe('a gateway that does not stream', () => {
  test('is supported too', async () => {
    const content = [{ type: 'text', text: 'Because.' }];
    const usage = { input_tokens: 3, output_tokens: 4 };
    const message = {
      type: 'message',
      model: 'a-model-2026',
      stop_reason: 'end_turn',
      content,
      usage,
    };
    server.replyWith(json(200, message, { 'request-id': 'req_1' }));
    const context = attempt();
    expect(await ask('Why?', {}, context)).toMatchObject({
      ...{ output: 'Because.', model: 'a-model-2026', requestId: 'req_1' },
      usage: { inputTokens: 3, outputTokens: 4 },
    });
    expect(context.emitted).toEqual(['Because.']);
    server.replyWith(json(200, { ...message, stop_reason: 'max_tokens' }));
    await expect(ask('Why?')).rejects.toMatchObject({ code: 'truncated' });
  });

  test('may put an error into a response with status 200', async () => {
    const error = { type: 'overloaded_error', message: 'Too busy.' };
    server.replyWith(json(200, { type: 'error', error }, { 'retry-after': '2' }));
    await expect(ask('Why?')).rejects.toMatchObject({
      ...{ code: 'overloaded', retryAfterMs: 2_000 },
      message: 'anthropic/a-model: Too busy.',
    });
  });

  test.each([[{}], [[]], [null], ['Because.']])('and %j is not an answer', async (body) => {
    server.replyWith(json(200, body));
    await expect(ask('Why?')).rejects.toMatchObject({ code: 'server_error' });
  });
});
