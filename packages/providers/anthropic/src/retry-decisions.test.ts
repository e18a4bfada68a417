import { attempt, json, type Reply, request, testServer } from '@stratagem/test-kit';
import { describe, expect, test } from 'vitest';
import { stream } from '../test/streams.js';
import { anthropic } from './anthropic.js';

const server = testServer();
const label = 'anthropic/a-model';

const failure = () =>
  anthropic({ model: 'a-model', apiKey: 'sk-ant-test', baseURL: server.url })
    .run(request('Why?'), attempt())
    .catch((thrown) => thrown);

const error = (type: string, message = 'No.') => ({ type: 'error', error: { type, message } });
const page: Reply = (response) =>
  response
    .writeHead(529, { 'content-type': 'text/html' })
    .end('<html><head><title>Overloaded</title></head></html>');

test.each([
  ['overloaded_error', 'overloaded'],
  ['rate_limit_error', 'rate_limited'],
  ['api_error', 'server_error'],
  ['timeout_error', 'timeout'],
  ['invalid_request_error', 'invalid_request'],
  ['authentication_error', 'authentication'],
  ['billing_error', 'insufficient_quota'],
])('%s in the stream is %s', async (type, code) => {
  server.replyWith(stream([error(type)]));
  expect(await failure()).toMatchObject({
    code,
    message: expect.stringContaining(`${label}: No.`),
  });
});

describe('an answer', () => {
  test.each<[string, Reply, object]>([
    [
      'with a prompt that is too long',
      json(
        400,
        error('invalid_request_error', 'prompt is too long: 208310 tokens > 200000 maximum'),
      ),
      { code: 'context_length_exceeded' },
    ],
    [
      'with a request that is too large',
      json(413, error('request_too_large', 'Request exceeds the maximum size')),
      { code: 'invalid_request' },
    ],
    [
      'without credit',
      json(
        400,
        error('invalid_request_error', 'Your credit balance is too low to access the API.'),
      ),
      { code: 'insufficient_quota' },
    ],
    ['that conflicts', json(409, error('conflict_error')), { code: 'server_error' }],
    [
      'that asks not to retry',
      json(429, error('rate_limit_error'), { 'x-should-retry': 'false', 'retry-after': '1m30s' }),
      { code: 'rate_limited', isRetryable: false, retryAfterMs: 90_000 },
    ],
    [
      'of a limit of which nothing is left',
      json(429, error('rate_limit_error'), {
        'anthropic-ratelimit-requests-limit': '50',
        'anthropic-ratelimit-requests-remaining': '0',
        'anthropic-ratelimit-requests-reset': '2020-01-01T00:00:00Z',
        'anthropic-ratelimit-tokens-remaining': '0',
        'anthropic-ratelimit-tokens-reset': '30s',
      }),
      { code: 'rate_limited', retryAfterMs: 30_000 },
    ],
    [
      'of a gateway',
      json(400, { message: 'No such route.' }),
      { message: `${label}: 400 No such route.` },
    ],
    ['of a proxy', page, { code: 'overloaded', message: `${label}: 529 Overloaded` }],
  ])('%s', async (_, reply, expected) => {
    server.replyWith(reply);
    expect(await failure()).toMatchObject(expected);
  });
});

const EVENTS = [
  { type: 'message_start', message: { type: 'message', model: 'm', content: [], usage: {} } },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Because.' } },
  { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: {} },
  { type: 'message_stop' },
];

async function outputOf(body: string): Promise<unknown> {
  server.replyWith((response) =>
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(body),
  );
  const runner = anthropic({ model: 'a-model', apiKey: 'sk-ant-test', baseURL: server.url });
  return (await runner.run(request('Why?'), attempt())).output;
}

test.each([
  'data:\n\n',
  'event: ping\ndata: \n\n',
  ': keep-alive\n\n',
  'event: done\ndata: [DONE]\n\n',
  'data: [DONE]\n\n',
])('the heartbeat %j does no harm', async (heartbeat) => {
  const events = EVENTS.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  expect(await outputOf(heartbeat + events.join(heartbeat))).toBe('Because.');
});

test('events are read without their names', async () => {
  const events = EVENTS.map((event) => `data: ${JSON.stringify(event)}\n\n`);
  expect(await outputOf(events.join(''))).toBe('Because.');
  const error = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } };
  await expect(outputOf(`${events[0]}data: ${JSON.stringify(error)}\n\n`)).rejects.toMatchObject({
    code: 'overloaded',
  });
});

test('an error in the stream that is a text keeps its words', async () => {
  await expect(outputOf('event: error\ndata: The worker died.\n\n')).rejects.toMatchObject({
    code: 'server_error',
    message: expect.stringContaining('The worker died.'),
  });
});
