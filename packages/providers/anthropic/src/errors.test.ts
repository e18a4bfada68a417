import { inspect } from 'node:util';
import { Anthropic } from '@anthropic-ai/sdk';
import { createExecutor, createPlan, RunnerError } from '@stratagem/core';
import { attempt, inOrder, json, request, reset, silence, testServer } from '@stratagem/test-kit';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { cut, hang, stream } from '../test/server.js';
import { anthropic } from './anthropic.js';
import type { AnthropicOptions } from './options.js';

const apiKey = 'sk-ant-test-0123456789';
const server = testServer();
const chunk = {
  type: 'content_block_delta',
  index: 0,
  delta: { type: 'text_delta', text: 'Beca' },
};

function ask(options: AnthropicOptions = {}, context = attempt()) {
  const runner = anthropic({ model: 'a-model', apiKey, baseURL: server.url, ...options });
  return runner.run(request('Why?'), context);
}

afterEach(() => vi.unstubAllEnvs());

describe('an answer with an error', () => {
  test.each([
    [400, 'invalid_request_error', 'invalid_request'],
    [401, 'authentication_error', 'authentication'],
    [402, 'billing_error', 'insufficient_quota'],
    [403, 'permission_error', 'permission_denied'],
    [404, 'not_found_error', 'not_found'],
    [408, undefined, 'timeout'],
    [413, 'request_too_large', 'invalid_request'],
    [429, 'rate_limit_error', 'rate_limited'],
    [429, 'constructor', 'rate_limited'],
    [500, 'api_error', 'server_error'],
    [503, undefined, 'overloaded'],
    [504, 'timeout_error', 'timeout'],
    [529, 'overloaded_error', 'overloaded'],
  ])('%i %s becomes %s, after one request', async (status, type, code) => {
    const body = { type: 'error', error: { message: 'No.', type } };
    server.replyWith(json(status, body, { 'request-id': 'req_1' }));
    const thrown = await ask().catch((reason) => reason);
    expect(thrown).toBeInstanceOf(RunnerError);
    expect(thrown).toMatchObject({ code, status, requestId: 'req_1' });
    expect(thrown.message).toContain(`anthropic/a-model: ${status} No.`);
    expect(thrown.cause).toBeInstanceOf(Anthropic.APIError);
    expect(server.requests).toHaveLength(1);
  });

  test('tells credit that is used up from a rate that is too high', async () => {
    const details = { error_code: 'enforced_spend_limit_reached' };
    const error = { type: 'rate_limit_error', message: 'No.', details };
    server.replyWith(json(429, { type: 'error', error }));
    await expect(ask()).rejects.toMatchObject({ code: 'insufficient_quota', status: 429 });
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
      `anthropic/a-model: 404 No such model. (is there a model "a-model" at ${server.url}?)`,
    );
    server.replyWith(json(401, { error: { message: 'Who?' } }));
    await expect(ask()).rejects.toThrow('anthropic/a-model: 401 Who? (check the API key)');
    vi.stubEnv('ANTHROPIC_API_KEY', apiKey);
    await expect(ask({ apiKey: undefined })).rejects.toThrow(
      'anthropic/a-model: 401 Who? (check the environment variable ANTHROPIC_API_KEY)',
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
      message: expect.stringContaining(`anthropic/a-model: no connection to ${server.url}: `),
      cause: expect.any(Anthropic.APIConnectionError),
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
    await expect(ask({ baseURL: 'http://127.0.0.1:1' })).rejects.toMatchObject({
      code: 'connection',
      message: expect.stringMatching(/no connection to http:\/\/127.0.0.1:1: .*fetch failed/),
    });
  });

  test('to a URL with a password and a query, which are not shown', async () => {
    const baseURL = 'http://user:pass-word@127.0.0.1:1?token=to%2Bken-7';
    const thrown = await ask({ baseURL }).catch((e) => e);
    expect(thrown).toMatchObject({
      code: 'connection',
      message: expect.stringContaining('no connection to http://127.0.0.1:1'),
    });
    expect(inspect(thrown, { depth: 9 })).not.toMatch(/pass-word|ken-7/);
  });

  test('that brings nonsense', async () => {
    const print = vi.spyOn(console, 'error');
    server.replyWith((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(`event: message_start\ndata: {"your key is ${apiKey}\n\n`);
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
  test('that is missing is an error that says what to set', async () => {
    vi.stubEnv('ANTHROPIC_API_KEY', undefined);
    vi.stubEnv('ANTHROPIC_AUTH_TOKEN', undefined);
    // Where the SDK would look for profiles.
    vi.stubEnv('ANTHROPIC_CONFIG_DIR', import.meta.dirname);
    const run = anthropic({ baseURL: server.url }).run(request('Why?'), attempt());
    await expect(run).rejects.toMatchObject({
      name: 'RunnerError',
      code: 'missing_api_key',
      message: expect.stringContaining('set the environment variable ANTHROPIC_API_KEY, or pass'),
    });
    expect(server.requests).toEqual([]);
  });

  test('that is missing because of a profile that is not there says so', async () => {
    vi.stubEnv('ANTHROPIC_API_KEY', undefined);
    vi.stubEnv('ANTHROPIC_AUTH_TOKEN', undefined);
    vi.stubEnv('ANTHROPIC_CONFIG_DIR', import.meta.dirname);
    vi.stubEnv('ANTHROPIC_PROFILE', 'absent');
    const run = anthropic({ baseURL: server.url }).run(request('Why?'), attempt());
    await expect(run).rejects.toMatchObject({
      code: 'missing_api_key',
      cause: { message: expect.stringContaining('absent') },
    });
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
    [
      'a stream that quotes it',
      apiKey,
      stream([{ type: 'error', error: { message: `Bad key ${apiKey}` } }]),
    ],
    ['a key that cannot be sent', 'sk-ant-test\n0123456789', stream([])],
  ])('never leaves the runner: %s', async (_, key, reply) => {
    server.replyWith(reply);
    const runner = anthropic({ apiKey: key, baseURL: server.url });
    const plan = createPlan('Leak').addTask({ id: 'a', description: 'Why?' });
    const result = await createExecutor({ strategy: inOrder, runner }).execute(plan);
    expect(result.status).toBe('failed');
    const seen = JSON.stringify(result) + inspect(result, { depth: 20, showHidden: true });
    expect(seen).toContain('anthropic/claude');
    expect(seen).not.toContain(key);
    expect(seen).not.toContain('0123456789');
  });
});

test('a base URL in the environment that is none is reported, and mended by the next attempt', async () => {
  vi.stubEnv('ANTHROPIC_BASE_URL', 'localhost');
  const runner = anthropic({ apiKey });
  const run = runner.run(request('Why?'), attempt());
  await expect(run).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.stringContaining('ANTHROPIC_BASE_URL must be a URL'),
  });
  vi.stubEnv('ANTHROPIC_BASE_URL', server.url);
  server.replyWith(json(500, {}));
  const again = runner.run(request('Why?'), attempt());
  await expect(again).rejects.toMatchObject({ code: 'server_error' });
});
