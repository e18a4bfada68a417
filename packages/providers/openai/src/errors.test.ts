import { inspect } from 'node:util';
import { createExecutor, createPlan, RunnerError } from '@stratagem/core';
import { attempt, inOrder, json, request, reset, silence, testServer } from '@stratagem/test-kit';
import { OpenAI } from 'openai';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { cut, hang, stream } from '../test/server.js';
import { openai } from './openai.js';
import type { OpenAIOptions } from './options.js';

const apiKey = 'sk-test-0123456789';
const server = testServer('/v1');
const chunk = { choices: [{ delta: { content: 'Beca' }, finish_reason: null }] };

function ask(options: OpenAIOptions = {}, context = attempt()) {
  const runner = openai({ model: 'a-model', apiKey, baseURL: server.url, ...options });
  return runner.run(request('Why?'), context);
}

afterEach(() => vi.unstubAllEnvs());

describe('an answer with an error', () => {
  test.each([
    [400, {}, 'invalid_request'],
    [400, { code: 'context_length_exceeded' }, 'invalid_request'],
    [400, { code: 'content_filter' }, 'refused'],
    [401, { code: 'invalid_api_key' }, 'authentication'],
    [402, {}, 'insufficient_quota'],
    [403, {}, 'permission_denied'],
    [404, { code: 'model_not_found' }, 'not_found'],
    [408, {}, 'timeout'],
    [409, {}, 'invalid_request'],
    [422, {}, 'invalid_request'],
    [429, { code: 'rate_limit_exceeded' }, 'rate_limited'],
    [429, { code: 'insufficient_quota', type: 'insufficient_quota' }, 'insufficient_quota'],
    [429, { code: null, type: 'insufficient_quota' }, 'insufficient_quota'],
    [429, { code: 'constructor' }, 'rate_limited'],
    [500, {}, 'server_error'],
    [503, {}, 'overloaded'],
    [504, {}, 'timeout'],
    [529, {}, 'overloaded'],
  ])('%i %j becomes %s, after one request', async (status, error, code) => {
    const body = { error: { message: 'No.', ...error } };
    server.replyWith(json(status, body, { 'x-request-id': 'req_1' }));
    const thrown = await ask().catch((reason) => reason);
    expect(thrown).toBeInstanceOf(RunnerError);
    expect(thrown).toMatchObject({ code, status, requestId: 'req_1' });
    expect(thrown.message).toContain(`openai/a-model: ${status} No.`);
    expect(thrown.cause).toBeInstanceOf(OpenAI.APIError);
    expect(server.requests).toHaveLength(1);
  });

  test.each([
    [{ 'retry-after': '7' }, 7_000],
    [{ 'retry-after': '120' }, 120_000],
    [{ 'retry-after-ms': '250', 'retry-after': '1' }, 250],
    [{}, undefined],
  ])('says with %j to wait for %s ms', async (headers, retryAfterMs) => {
    server.replyWith(json(429, { error: { message: 'No.' } }, headers as Record<string, string>));
    const thrown = await ask().catch((reason) => reason);
    expect(thrown.retryAfterMs).toBe(retryAfterMs);
  });

  test('says what to look at', async () => {
    server.replyWith(json(404, { error: { message: 'No such model.' } }));
    await expect(ask()).rejects.toThrow(
      `openai/a-model: 404 No such model. (is there a model "a-model" at ${server.url}?)`,
    );
    server.replyWith(json(401, { error: { message: 'Who?' } }));
    await expect(ask()).rejects.toThrow('openai/a-model: 401 Who? (check the API key)');
    vi.stubEnv('OPENAI_API_KEY', apiKey);
    await expect(ask({ apiKey: undefined })).rejects.toThrow(
      'openai/a-model: 401 Who? (check the environment variable OPENAI_API_KEY)',
    );
  });

  test('and no JSON is still an error with its status', async () => {
    server.replyWith((response) => response.writeHead(502).end('<html>Bad gateway</html>'));
    await expect(ask()).rejects.toMatchObject({ code: 'server_error', status: 502 });
  });
});

describe('a connection', () => {
  test('that breaks before the answer', async () => {
    server.replyWith(reset);
    await expect(ask()).rejects.toMatchObject({
      code: 'connection',
      message: expect.stringContaining(`openai/a-model: no connection to ${server.url}: `),
      cause: expect.any(OpenAI.APIConnectionError),
    });
    expect(server.requests).toHaveLength(1);
  });

  test('that breaks in the middle of the answer', async () => {
    server.replyWith(cut([chunk]));
    const context = attempt();
    await expect(ask({}, context)).rejects.toMatchObject({
      code: 'connection',
      message: expect.stringContaining('the connection broke in the middle of the answer'),
      cause: expect.any(Error),
    });
    expect(context.emitted).toEqual(['Beca']);
    expect(server.requests).toHaveLength(1);
  });

  test('to a server that is not there', async () => {
    await expect(ask({ baseURL: 'http://127.0.0.1:1/v1' })).rejects.toMatchObject({
      code: 'connection',
      message: expect.stringMatching(/no connection to http:\/\/127.0.0.1:1\/v1: .*fetch failed/),
    });
  });

  test('to a URL with a password and a query, which are not shown', async () => {
    const baseURL = 'http://user:pass-word@127.0.0.1:1/v1?token=to%2Bken-7';
    const thrown = await ask({ baseURL }).catch((e) => e);
    expect(thrown).toMatchObject({
      code: 'connection',
      message: expect.stringContaining('no connection to http://127.0.0.1:1/v1'),
    });
    expect(inspect(thrown, { depth: 9 })).not.toMatch(/pass-word|ken-7/);
  });

  test('that brings nonsense', async () => {
    const print = vi.spyOn(console, 'error');
    server.replyWith((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(`data: {"your key is ${apiKey}\n\n`);
    });
    await expect(ask()).rejects.toMatchObject({ code: 'server_error' });
    // The SDK would show it all.
    expect(print).not.toHaveBeenCalled();
    print.mockRestore();
  });
});

describe.each([
  ['before the answer', silence, []],
  ['after the headers of the answer', hang([]), []],
  ['in the middle of the answer', hang([chunk]), ['Beca']],
])('a server that goes silent %s', (_, reply, emitted) => {
  test('is left when the run stops', async () => {
    server.replyWith(reply);
    const controller = new AbortController();
    const context = attempt({ signal: controller.signal });
    const run = ask({}, context);
    await vi.waitFor(() => {
      expect(server.requests).toHaveLength(1);
      expect(context.emitted).toEqual(emitted);
    });
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(run).rejects.toMatchObject({ code: 'aborted', cause: reason });
    await server.closed;
  });

  test('is left after timeoutMs', async () => {
    server.replyWith(reply);
    await expect(ask({ timeoutMs: 300 })).rejects.toMatchObject({
      code: 'timeout',
      message: 'no complete answer within 300 ms',
    });
    await server.closed;
    expect(server.requests).toHaveLength(1);
  });

  test('is left at the deadline of the run', async () => {
    server.replyWith(reply);
    const context = attempt({ deadline: Date.now() + 300 });
    await expect(ask({}, context)).rejects.toMatchObject({ code: 'timeout' });
    await server.closed;
  });
});

describe('a key', () => {
  test.each([
    ['an environment without one', undefined],
    ['an environment with a blank one', '  '],
  ])('is missing in %s, and the error says what to set', async (_, value) => {
    vi.stubEnv('OPENAI_API_KEY', value);
    vi.stubEnv('OPENAI_ADMIN_KEY', 'sk-admin-0123456789');
    const run = openai({ baseURL: server.url }).run(request('Why?'), attempt());
    await expect(run).rejects.toMatchObject({
      name: 'RunnerError',
      code: 'missing_api_key',
      message: expect.stringContaining('set the environment variable OPENAI_API_KEY, or pass'),
    });
    expect(server.requests).toEqual([]);
  });

  test('that comes later is found', async () => {
    vi.stubEnv('OPENAI_API_KEY', undefined);
    const runner = openai({ baseURL: server.url });
    await expect(runner.run(request('Why?'), attempt())).rejects.toThrow('no API key');
    vi.stubEnv('OPENAI_API_KEY', apiKey);
    server.replyWith(stream([{ choices: [{ delta: {}, finish_reason: 'stop' }] }]));
    await expect(runner.run(request('Why?'), attempt())).resolves.toMatchObject({ output: '' });
  });

  test.each([
    ['an error that quotes it', apiKey, json(401, { error: { message: `Bad key ${apiKey}` } })],
    [
      'an error that has it in a field',
      apiKey,
      json(400, { error: { message: 'No', key: apiKey } }),
    ],
    [
      'a header that quotes it',
      apiKey,
      json(400, { error: { message: 'No' } }, { 'x-key': apiKey }),
    ],
    ['a stream that quotes it', apiKey, stream([{ error: { message: `Bad key ${apiKey}` } }])],
    ['a key that cannot be sent', 'sk-test\n0123456789', stream([])],
  ])('never leaves the runner: %s', async (_, key, reply) => {
    server.replyWith(reply);
    const runner = openai({ apiKey: key, baseURL: server.url });
    const plan = createPlan('Leak').addTask({ id: 'a', description: 'Why?' });
    const result = await createExecutor({ strategy: inOrder, runner }).execute(plan);
    expect(result.status).toBe('failed');
    const seen = JSON.stringify(result) + inspect(result, { depth: 20, showHidden: true });
    expect(seen).toContain('openai/gpt');
    expect(seen).not.toContain(key);
    expect(seen).not.toContain('0123456789');
  });
});

test('a base URL in the environment that is none is reported, and mended by the next attempt', async () => {
  vi.stubEnv('OPENAI_BASE_URL', 'localhost');
  const runner = openai({ apiKey });
  const run = runner.run(request('Why?'), attempt());
  await expect(run).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.stringContaining('OPENAI_BASE_URL must be a URL'),
  });
  vi.stubEnv('OPENAI_BASE_URL', server.url);
  server.replyWith(json(500, {}));
  const again = runner.run(request('Why?'), attempt());
  await expect(again).rejects.toMatchObject({ code: 'server_error' });
});
