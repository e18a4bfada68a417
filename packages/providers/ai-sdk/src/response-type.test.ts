import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { attempt, json, request, testServer } from '@stratagem/test-kit';
import { describe, expect, test } from 'vitest';
import { apiKey, compatible, saying } from '../test/model.js';
import { aiSdk } from './ai-sdk.js';

const server = testServer('/v1');

const ask = (options = {}) =>
  aiSdk(compatible(server.url), options).run(request('Why?'), attempt());

describe('a response of another type than a stream', () => {
  const answer = { choices: [{ message: { content: 'Hi' }, finish_reason: 'stop' }] };
  const openAI = () => createOpenAI({ baseURL: server.url, apiKey });
  const models: Record<string, () => Parameters<typeof aiSdk>[0]> = {
    compatible: () => compatible(server.url),
    'openai.chat': () => openAI().chat('m'),
    'openai.responses': () => openAI().responses('m'),
    anthropic: () => createAnthropic({ baseURL: server.url, apiKey })('m'),
  };

  test.each(Object.keys(models))('says so: %s', async (name) => {
    const runner = aiSdk(models[name]?.() as never);
    const failure = () => runner.run(request('Why?'), attempt()).catch((thrown) => thrown);
    server.replyWith(json(200, answer, { 'x-request-id': 'req_1' }));
    expect(await failure()).toMatchObject({
      code: 'server_error',
      message: `${runner.resource}: the server answered with application/json in place of a stream; if it does not stream, set stream: false`,
      isRetryable: false,
      requestId: 'req_1',
    });
    server.replyWith((response) => {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
      response.end('<title>Log in</title>');
    });
    expect((await failure()).message).toMatch(
      / answered with text\/html; is the base URL right\?$/,
    );
  });

  test('is read with stream: false', async () => {
    server.replyWith(json(200, answer));
    expect((await ask({ stream: false })).output).toBe('Hi');
  });

  test('has the usage of the answers before it', async () => {
    const first = { calls: [{ name: 'none', input: {} }] };
    server.replyWith(saying(first), json(200, answer));
    expect(await ask().catch((thrown) => thrown)).toMatchObject({
      code: 'server_error',
      usage: { inputTokens: 12, outputTokens: 3 },
    });
  });

  test('does no harm when it holds events', async () => {
    server.replyWith(saying({ text: 'Hi' }, { 'content-type': 'application/json' }));
    expect((await ask()).output).toBe('Hi');
  });
});
