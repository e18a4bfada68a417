import { attempt, json, request, testServer } from '@stratagem/test-kit';
import { OpenAI } from 'openai';
import { describe, expect, test } from 'vitest';
import { stream } from '../test/streams.js';
import { openai } from './openai.js';
import type { OpenAIOptions } from './options.js';

const apiKey = 'sk-test-0123456789';
const server = testServer('/v1');

function ask(prompt: string, options: OpenAIOptions = {}, context = attempt()) {
  const runner = openai({ model: 'a-model', apiKey, baseURL: server.url, ...options });
  return runner.run(request(prompt), context);
}

const delta = (content: string) => ({
  model: 'a-model-2026',
  choices: [{ index: 0, delta: { content }, finish_reason: null }],
});
const finish = (reason: string) => ({
  choices: [{ index: 0, delta: {}, finish_reason: reason }],
});

describe('the request', () => {
  test('has the prompt, and asks for the usage', async () => {
    server.replyWith(stream([delta('Because.'), finish('stop')]));
    await ask('Why?');
    expect(server.requests[0]?.body).toEqual({
      model: 'a-model',
      messages: [{ role: 'user', content: 'Why?' }],
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  test('has every option', async () => {
    server.replyWith(stream([delta('Because.'), finish('stop')]));
    await ask('Why?', { instructions: 'Be brief.', temperature: 0.5, maxOutputTokens: 200 });
    expect(server.requests[0]?.body).toMatchObject({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Why?' },
      ],
      temperature: 0.5,
      max_tokens: 200,
    });
  });

  test('has max_completion_tokens when it goes to OpenAI', async () => {
    server.replyWith(stream([delta('Because.'), finish('stop')]));
    const client = new OpenAI({
      apiKey,
      baseURL: 'https://api.openai.com/v1',
      fetch: (_, init) => fetch(`${server.url}/chat/completions`, init),
    });
    const runner = openai({ model: 'a-model', api: 'chat', maxOutputTokens: 200, client });
    await runner.run(request('Why?'), attempt());
    expect(server.requests[0]?.body).toMatchObject({ max_completion_tokens: 200 });
    expect(server.requests[0]?.body).not.toHaveProperty('max_tokens');
  });
});

describe('the answer', () => {
  test('has the text, the usage, the model that answered and the id of the request', async () => {
    const usage = {
      prompt_tokens: 100,
      prompt_tokens_details: { cached_tokens: 60, cache_write_tokens: 20 },
      completion_tokens: 40,
      completion_tokens_details: { reasoning_tokens: 25 },
    };
    const chunks = [delta('Be'), delta('cause.'), finish('stop'), { choices: [], usage }];
    server.replyWith(stream(chunks, { 'x-request-id': 'req_1' }));
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

  test('has the last usage of a server that sends running totals', async () => {
    const counted = (completion_tokens: number) => ({
      ...delta('a'),
      usage: { prompt_tokens: 7, completion_tokens },
    });
    server.replyWith(stream([counted(1), counted(2), finish('stop')]));
    expect((await ask('Why?')).usage).toEqual({ inputTokens: 7, outputTokens: 2 });
  });

  test('may come from a server that omits every optional field', async () => {
    const chunks = [
      {},
      { choices: [{}] },
      { choices: [{ delta: { content: 'Because.' } }], usage: null },
      { choices: [{ delta: null, finish_reason: 'eos' }] },
    ];
    server.replyWith(stream(chunks));
    expect(await ask('Why?')).toEqual({ output: 'Because.' });
  });
});

describe('an attempt fails', () => {
  test.each([
    [
      'refused',
      'when the model refuses',
      [{ choices: [{ delta: { refusal: 'I cannot.' } }] }, finish('stop')],
      'openai/a-model refused: I cannot.',
    ],
    [
      'refused',
      'when the content filter withholds the answer',
      [finish('content_filter')],
      'openai/a-model: the content filter withheld the answer',
    ],
    [
      'truncated',
      'when the answer is cut off',
      [delta('Beca'), finish('length')],
      'openai/a-model: the answer was cut off after 200 tokens; raise maxOutputTokens',
    ],
    [
      'connection',
      'when the stream ends before the answer',
      [delta('Beca')],
      'openai/a-model: the stream ended before the answer was complete',
    ],
    [
      'rate_limited',
      'when the stream contains an error with a status',
      [delta('Beca'), { error: { code: 429, message: 'Slow down.' } }],
      'openai/a-model: Slow down.',
    ],
  ])('as %s %s', async (code, _, chunks, text) => {
    server.replyWith(stream(chunks, { 'x-request-id': 'req_1' }));
    await expect(ask('Why?', { maxOutputTokens: 200 })).rejects.toMatchObject({
      name: 'RunnerError',
      code,
      message: text,
      requestId: 'req_1',
    });
    expect(server.requests).toHaveLength(1);
  });
});

describe('a server that does not stream', () => {
  const whole = (message: object, more: object = {}) =>
    json(200, { model: 'a-model-2026', choices: [{ index: 0, message, ...more }] });

  test('is supported too, with its usage', async () => {
    const context = attempt();
    const usage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };
    const choices = [
      { index: 0, message: { role: 'assistant', content: 'Forty-two' }, finish_reason: 'stop' },
    ];
    server.replyWith(json(200, { model: 'a-model-2026', choices, usage }));
    const answer = await ask('Why?', {}, context);
    expect(answer).toMatchObject({
      output: 'Forty-two',
      model: 'a-model-2026',
      usage: { inputTokens: 3, outputTokens: 4 },
    });
    expect(context.emitted).toEqual(['Forty-two']);
  });

  test('may omit fields, but not the answer', async () => {
    server.replyWith(whole({ content: 'Yes' }));
    expect(await ask('Why?')).toMatchObject({ output: 'Yes' });
    server.replyWith(whole({ content: 'Ye' }, { finish_reason: 'length' }));
    await expect(ask('Why?')).rejects.toMatchObject({ code: 'truncated' });
    server.replyWith(whole({ content: null, refusal: 'No.' }));
    await expect(ask('Why?')).rejects.toMatchObject({ code: 'refused' });
    server.replyWith(json(200, {}));
    await expect(ask('Why?')).rejects.toMatchObject({ code: 'server_error' });
  });
});
