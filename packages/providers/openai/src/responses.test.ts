import { attempt, json, request, testServer } from '@stratagem/test-kit';
import { describe, expect, test } from 'vitest';
import { stream } from '../test/streams.js';
import { openai } from './openai.js';
import type { OpenAIOptions } from './options.js';

const server = testServer('/v1');

function ask(prompt: string, options: OpenAIOptions = {}, context = attempt()) {
  const fixed = { apiKey: 'sk-test-0123456789', baseURL: server.url, api: 'responses' } as const;
  return openai({ model: 'a-model', ...fixed, ...options }).run(request(prompt), context);
}

const delta = (text: string) => ({ type: 'response.output_text.delta', delta: text });
const message = (text: string, phase?: string) => ({
  type: 'message',
  phase,
  content: [{ type: 'output_text', text }],
});
const completed = (response: object) => ({
  type: 'response.completed',
  response: { status: 'completed', model: 'a-model-2026', output: [], ...response },
});
const incomplete = (reason: string) => ({
  type: 'response.incomplete',
  response: { status: 'incomplete', incomplete_details: { reason }, output: [] },
});

describe('the request', () => {
  test('has the prompt, and no option that was not set', async () => {
    server.replyWith(stream([completed({ output: [message('Because.')] })]));
    await ask('Why?');
    expect(server.requests[0]?.body).toEqual({ model: 'a-model', input: 'Why?', stream: true });
  });

  test('has every option', async () => {
    server.replyWith(stream([completed({ output: [message('Because.')] })]));
    await ask('Why?', { instructions: 'Be brief.', temperature: 0.5, maxOutputTokens: 200 });
    expect(server.requests[0]?.body).toEqual({
      model: 'a-model',
      input: 'Why?',
      instructions: 'Be brief.',
      temperature: 0.5,
      max_output_tokens: 200,
      stream: true,
    });
  });
});

describe('the answer', () => {
  test('has the text, the usage, the model that answered and the id of the request', async () => {
    const usage = {
      input_tokens: 100,
      input_tokens_details: { cached_tokens: 60, cache_write_tokens: 20 },
      output_tokens: 40,
      output_tokens_details: { reasoning_tokens: 25 },
    };
    const events = [
      delta('Be'),
      delta('cause.'),
      completed({ output: [message('Because.')], usage }),
    ];
    server.replyWith(stream(events, { 'x-request-id': 'req_1' }));
    const context = attempt();
    expect(await ask('Why?', {}, context)).toEqual({
      output: 'Because.',
      usage: {
        ...{ inputTokens: 100, cachedInputTokens: 60, cacheWriteInputTokens: 20 },
        ...{ outputTokens: 40, reasoningTokens: 25 },
      },
      model: 'a-model-2026',
      requestId: 'req_1',
    });
    expect(context.emitted.join('')).toBe('Because.');
  });

  test('may come without usage', async () => {
    server.replyWith(stream([delta('Because.'), completed({})]));
    const result = await ask('Why?');
    expect(result.output).toBe('Because.');
    expect(result.usage).toBeUndefined();
  });

  test('is the final message, without progress comments', async () => {
    const output = [message('Looking it up. ', 'commentary'), message('Because.', 'final_answer')];
    server.replyWith(stream([delta('Looking it up. '), delta('Because.'), completed({ output })]));
    expect((await ask('Why?')).output).toBe('Because.');
  });
});

describe('an attempt fails', () => {
  test.each([
    [
      'refused',
      'when the model refuses',
      [{ type: 'response.refusal.delta', delta: 'I cannot.' }, completed({})],
      'openai/a-model refused: I cannot.',
    ],
    [
      'refused',
      'when the content filter withholds the answer',
      [incomplete('content_filter')],
      'openai/a-model: the content filter withheld the answer',
    ],
    [
      'truncated',
      'when the answer is cut off',
      [delta('Beca'), incomplete('max_output_tokens')],
      'openai/a-model: the answer was cut off after 200 tokens; raise maxOutputTokens',
    ],
    [
      'connection',
      'when the stream ends before the answer',
      [delta('Beca')],
      'openai/a-model: the stream ended before the answer was complete',
    ],
  ])('as %s %s', async (code, _, events, text) => {
    server.replyWith(stream(events, { 'x-request-id': 'req_1' }));
    await expect(ask('Why?', { maxOutputTokens: 200 })).rejects.toMatchObject({
      name: 'RunnerError',
      code,
      message: text,
      requestId: 'req_1',
    });
  });

  test('and the text of a truncated answer has been emitted', async () => {
    server.replyWith(stream([delta('Beca'), incomplete('max_output_tokens')]));
    const context = attempt();
    await expect(ask('Why?', {}, context)).rejects.toMatchObject({
      code: 'truncated',
      message: "openai/a-model: the answer was cut off at the model's token limit",
    });
    expect(context.emitted).toEqual(['Beca']);
  });

  test.each([
    ['rate_limit_exceeded', 'rate_limited'],
    ['server_error', 'server_error'],
    ['bio_policy', 'refused'],
    ['a_new_code', 'server_error'],
  ])('when the response fails with %s, as %s', async (given, code) => {
    const error = { code: given, message: 'It failed.' };
    server.replyWith(stream([{ type: 'response.failed', response: { error } }]));
    await expect(ask('Why?')).rejects.toMatchObject({
      code,
      message: 'openai/a-model: It failed.',
      cause: { code: given },
    });
  });

  test('when the response fails without a reason', async () => {
    server.replyWith(stream([{ type: 'response.failed', response: { error: null } }]));
    await expect(ask('Why?')).rejects.toMatchObject({
      code: 'server_error',
      message: 'openai/a-model: the response failed',
    });
  });

  test('when the stream contains an error event', async () => {
    const event = { type: 'error', code: 'insufficient_quota', message: 'No credit.' };
    server.replyWith(stream([event]));
    await expect(ask('Why?')).rejects.toMatchObject({
      code: 'insufficient_quota',
      message: 'openai/a-model: No credit.',
    });
  });
});

test('a server that does not stream is supported too', async () => {
  server.replyWith(json(200, completed({ output: [message('Forty-two')] }).response));
  expect(await ask('Why?')).toMatchObject({ output: 'Forty-two', model: 'a-model-2026' });
  server.replyWith(json(200, incomplete('max_output_tokens').response));
  await expect(ask('Why?')).rejects.toMatchObject({ code: 'truncated' });
  server.replyWith(json(200, { status: 'failed', error: { code: 'server_error', message: 'no' } }));
  await expect(ask('Why?')).rejects.toMatchObject({ code: 'server_error' });
});

test.each([[{}], [[]], [null], ['Because.']])('%j is not an answer', async (body) => {
  server.replyWith(json(200, body));
  await expect(ask('Why?')).rejects.toMatchObject({ code: 'server_error' });
});

test('an error in a response with status 200 is an error', async () => {
  const error = { message: 'Slow down.', code: 'rate_limit_exceeded' };
  server.replyWith(json(200, { error }, { 'retry-after': '2' }));
  await expect(ask('Why?')).rejects.toMatchObject({ code: 'rate_limited', retryAfterMs: 2_000 });
});
