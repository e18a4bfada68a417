import { createExecutor, createPlan } from '@stratagem/core';
import { attempt, inOrder, json, type Reply, request, testServer } from '@stratagem/test-kit';
import { OpenAI } from 'openai';
import { describe, expect, test } from 'vitest';
import { chatChunks, responseEvents, saying } from '../test/model.js';
import { stream } from '../test/streams.js';
import { openai } from './openai.js';

const server = testServer('/v1');
const label = 'openai/a-model';
const APIS = ['responses', 'chat'] as const;

function runnerOf(api: (typeof APIS)[number]) {
  return openai({ model: 'a-model', apiKey: 'sk-planted-0123456789', baseURL: server.url, api });
}

function failure(api: (typeof APIS)[number] = 'chat') {
  return runnerOf(api)
    .run(request('Why?'), attempt())
    .catch((thrown) => thrown);
}

/** A body that is sent unchanged. */
function raw(status: number, type: string, body: string): Reply {
  return (response) => void response.writeHead(status, { 'content-type': type }).end(body);
}

describe.each(APIS)('through %s, an error in the stream', (api) => {
  test.each<[string, object, object]>([
    [
      'overloaded_error',
      { type: 'overloaded_error', message: 'Overloaded' },
      { code: 'overloaded' },
    ],
    [
      'server_is_overloaded',
      { code: 'server_is_overloaded', message: 'Busy.' },
      { code: 'overloaded' },
    ],
    ['a capacity of 498', { code: 498, message: 'Flex tier is full.' }, { code: 'overloaded' }],
    [
      'rate_limit_exceeded',
      { code: 'rate_limit_exceeded', message: 'Try again in 7.66s.' },
      { code: 'rate_limited', retryAfterMs: 7_660 },
    ],
    [
      'RESOURCE_EXHAUSTED',
      { code: 429, status: 'RESOURCE_EXHAUSTED', details: [{ retryDelay: '34s' }] },
      { code: 'rate_limited', retryAfterMs: 34_000 },
    ],
    [
      'BadRequestError',
      { type: 'BadRequestError', message: 'No.', code: 400 },
      { code: 'invalid_request' },
    ],
    [
      'context_length_exceeded',
      { code: 'context_length_exceeded', message: 'Too long.' },
      { code: 'context_length_exceeded' },
    ],
    [
      'authentication_error',
      { type: 'authentication_error', message: 'No.' },
      { code: 'authentication' },
    ],
    [
      'insufficient_quota',
      { code: 'insufficient_quota', message: 'No.' },
      { code: 'insufficient_quota' },
    ],
    ['an unknown type', { type: 'surprise', message: 'No.' }, { code: 'server_error' }],
  ])('%s has its class', async (_, error, expected) => {
    server.replyWith(stream([{ error }]));
    expect(await failure(api)).toMatchObject(expected);
  });
});

test.each(APIS)('through %s, an error that is a text keeps its words', async (api) => {
  server.replyWith(raw(200, 'text/event-stream', 'event: error\ndata: The worker died.\n\n'));
  expect(await failure(api)).toMatchObject({
    code: 'server_error',
    message: `${label}: The worker died.`,
  });
});

test('a failed response has the class of its error', async () => {
  const error = { code: 'rate_limit_exceeded', message: 'Please try again in 20ms.' };
  server.replyWith(stream([{ type: 'response.failed', response: { status: 'failed', error } }]));
  expect(await failure('responses')).toMatchObject({
    code: 'rate_limited',
    retryAfterMs: 20,
    message: `${label}: Please try again in 20ms.`,
  });
});

test('an error that is an event of its own has its class', async () => {
  const message = "This model's maximum context length is 4096 tokens.";
  server.replyWith(stream([{ object: 'error', message, type: 'BadRequestError', code: 400 }]));
  expect(await failure()).toMatchObject({
    code: 'context_length_exceeded',
    message: `${label}: ${message}`,
  });
});

describe('an error whose body has another shape', () => {
  test.each<[string, Reply, object]>([
    [
      'a list, as from Google',
      json(429, [
        {
          error: {
            code: 429,
            message: 'Quota.',
            status: 'RESOURCE_EXHAUSTED',
            details: [{ '@type': 'google.rpc.RetryInfo', retryDelay: '34s' }],
          },
        },
      ]),
      { code: 'rate_limited', retryAfterMs: 34_000, message: `${label}: 429 Quota.` },
    ],
    [
      'fields at the top, as from Mistral',
      json(429, {
        object: 'error',
        message: 'Service tier capacity exceeded for this model.',
        type: 'service_tier_capacity_exceeded',
        code: '3505',
      }),
      {
        code: 'overloaded',
        message: `${label}: 429 Service tier capacity exceeded for this model.`,
      },
    ],
    [
      'a detail',
      json(422, { detail: [{ msg: 'too many messages', loc: ['body'] }] }),
      { code: 'invalid_request', message: `${label}: 422 too many messages` },
    ],
    [
      'a list in a body with status 200',
      json(200, [{ error: { code: 503, message: 'Busy.', status: 'UNAVAILABLE' } }]),
      { code: 'overloaded', message: `${label}: Busy.` },
    ],
    [
      'fields at the top with status 200',
      json(200, { object: 'error', message: 'Busy.', code: 503 }),
      { code: 'overloaded' },
    ],
    [
      'a wait beside the error',
      json(429, { error: { message: 'Slow.', type: 'rate_limit_error' }, retry_after: 9 }),
      { code: 'rate_limited', retryAfterMs: 9_000, message: `${label}: 429 Slow.` },
    ],
    [
      'a list of errors, as from Cloudflare',
      json(429, { success: false, errors: [{ code: 3040, message: 'Capacity exceeded.' }] }),
      { code: 'overloaded', message: `${label}: 429 Capacity exceeded.` },
    ],
    [
      'the same with status 200',
      json(200, { success: false, errors: [{ code: 3040, message: 'Capacity exceeded.' }] }),
      { code: 'overloaded', message: `${label}: Capacity exceeded.` },
    ],
    [
      'a list as the error',
      json(500, { error: [{ message: 'It crashed.' }] }),
      { code: 'server_error', message: `${label}: 500 It crashed.` },
    ],
    [
      'the error of the server behind a gateway',
      json(502, {
        error: {
          code: 502,
          message: 'Provider returned error',
          metadata: { raw: '{"error":{"message":"It crashed."}}' },
        },
      }),
      { code: 'server_error', message: `${label}: 502 Provider returned error: It crashed.` },
    ],
    [
      'a page',
      raw(
        502,
        'text/html',
        `<html><head><title>502 Bad Gateway</title></head>${'<p>x</p>'.repeat(900)}</html>`,
      ),
      { code: 'server_error', message: `${label}: 502 Bad Gateway` },
    ],
    [
      'a long text',
      raw(500, 'text/plain', 'x'.repeat(5_000)),
      { message: `${label}: 500 ${'x'.repeat(299)}…` },
    ],
    [
      'a long message',
      json(400, { error: { message: 'y'.repeat(5_000) } }),
      { message: `${label}: 400 ${'y'.repeat(299)}…` },
    ],
    ['nothing', raw(500, 'text/plain', ''), { message: `${label}: 500 status code (no body)` }],
  ])('%s', async (_, reply, expected) => {
    server.replyWith(reply);
    expect(await failure()).toMatchObject(expected);
  });

  test('a key at the border of a cut message does not show', async () => {
    const message = `${'x'.repeat(290)} sk-planted-0123456789 is wrong`;
    server.replyWith(json(401, { error: { message } }));
    expect((await failure()).message).not.toContain('sk-p');
  });
});

describe('a run sends again', () => {
  const plan = createPlan('Ask').addTask({ id: 'a', description: 'Why?' });
  const run = (retry = {}) =>
    createExecutor({
      strategy: inOrder,
      runner: runnerOf('chat'),
      retry: { maxAttempts: 2, initialDelayMs: 0, ...retry },
    }).execute(plan);
  const error = (fields: object) => ({ error: { message: 'No.', ...fields } });

  test.each<[string, Reply, number]>([
    ['a request that conflicts with another', json(409, error({})), 2],
    ['a request that meets no capacity', json(498, error({ code: 'capacity_exceeded' })), 2],
    ['what the server asks to send again', json(400, error({}), { 'x-should-retry': 'true' }), 2],
    ['not what the server asks not to', json(500, error({}), { 'x-should-retry': 'false' }), 1],
    [
      'not a request that is too large',
      json(
        413,
        error({
          code: 'rate_limit_exceeded',
          message:
            'Request too large for model x on tokens per minute (TPM): Limit 6000, Requested 8131',
        }),
      ),
      1,
    ],
    ['not a prompt that is too long', json(400, error({ code: 'context_length_exceeded' })), 1],
    ['not without credit', json(429, error({ type: 'exceeded_current_quota_error' })), 1],
  ])('%s', async (_, reply, requests) => {
    server.replyWith(reply);
    await run();
    expect(server.requests).toHaveLength(requests);
  });

  test('only the codes of retry.on, whatever the server asks', async () => {
    server.replyWith(json(400, error({}), { 'x-should-retry': 'true' }));
    await run({ on: ['timeout'] });
    expect(server.requests).toHaveLength(1);
  });
});

describe.each(APIS)('through %s, heartbeats do no harm', (api) => {
  const whole = (api === 'chat' ? chatChunks : responseEvents)({ text: 'Because it is so — 💡.' });
  const events = whole.map((event) => `data: ${JSON.stringify(event)}`);

  test.each([
    ['data without a value', 'data:\n\n', '\n\n'],
    ['data with a blank', 'data: \n\n', '\n\n'],
    ['with carriage returns', 'data:\r\n\r\n', '\r\n\r\n'],
    ['an event without data', 'event: ping\n\n', '\n\n'],
    ['an event with empty data', 'event: ping\ndata: \n\n', '\n\n'],
    ['null', 'data: null\n\n', '\n\n'],
    ['comments', ': keep-alive\n\n', '\n\n'],
    ['an id alone', 'id: 7\n\n', '\n\n'],
    ['none', '', '\r\n\r\n'],
    ['none, with carriage returns alone', '', '\r\r'],
  ])('%s', async (_, heartbeat, end) => {
    const body = Buffer.from(
      `${heartbeat}${[...events, 'data: [DONE]'].map((event) => `${event}${end}`).join(heartbeat)}`,
    );
    for (const size of [1, 7, body.length]) {
      server.replyWith(async (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.socket?.setNoDelay(true);
        for (let from = 0; from < body.length; from += size) {
          response.write(body.subarray(from, from + size));
          if (size > 1) await new Promise(setImmediate);
        }
        response.end();
      });
      const { output } = await runnerOf(api).run(request('Why?'), attempt());
      expect(output).toBe('Because it is so — 💡.');
    }
  });

  test('with a client of the user too', async () => {
    server.replyWith((response) =>
      response
        .writeHead(200, { 'content-type': 'text/event-stream' })
        .end(`data:\n\n${events.join('\n\n')}\n\ndata: [DONE]\n\n`),
    );
    const client = new OpenAI({ apiKey: 'sk-test', baseURL: server.url });
    const answer = await openai({ model: 'a-model', client, api }).run(request('?'), attempt());
    expect(answer.output).toBe('Because it is so — 💡.');
  });
});

test('connections are used again when streams end after the last event', async () => {
  const chunks = chatChunks({ text: 'Yes.' }).map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`);
  const sockets = new Set<unknown>();
  server.replyWith(async (response) => {
    sockets.add(response.socket);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write([...chunks, 'data: [DONE]\n\n'].join(''));
    // The end of the body arrives in a packet of its own.
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    response.end();
  });
  const runner = runnerOf('chat');
  for (let count = 0; count < 5; count++) await runner.run(request('Why?'), attempt());
  // A request may begin before the last body has ended.
  expect(sockets.size).toBeLessThan(5);
});

test('a connection is closed when its stream does not end after the last event', async () => {
  const chunks = chatChunks({ text: 'Yes.' }).map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`);
  server.replyWith((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write([...chunks, 'data: [DONE]\n\n'].join(''));
  });
  expect((await runnerOf('chat').run(request('Why?'), attempt())).output).toBe('Yes.');
  await server.closed;
});

test('a stream that is only heartbeats is no answer', async () => {
  server.replyWith(raw(200, 'text/event-stream', 'data:\n\ndata:\n\n'));
  expect(await failure()).toMatchObject({ code: 'connection' });
});

test('the answer after a refusal is read as ever', async () => {
  server.replyWith(saying({ text: 'Because.' }));
  expect(await runnerOf('chat').run(request('?'), attempt())).toMatchObject({ output: 'Because.' });
});
