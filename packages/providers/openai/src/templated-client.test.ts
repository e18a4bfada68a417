import { attempt, request, testServer } from '@stratagem/test-kit';
import { OpenAI } from 'openai';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { saying } from '../test/model.js';
import { type OpenAIOptions, openai } from './index.js';
import { templatedClient } from './templated-client.js';

const server = testServer('/v1');
afterEach(() => vi.unstubAllEnvs());

const apiKey = 'sk-test-0123456789';

/** What the server receives of two attempts with these times. */
async function requestsOf(options: OpenAIOptions, times: readonly number[]) {
  const runner = openai({ model: 'm', ...options });
  server.replyWith(saying({ text: 'Because.' }));
  for (const remainingMs of times) await runner.run(request('Why?'), attempt({ remainingMs }));
  return [...server.requests];
}

describe.each(['chat', 'responses'] as const)('requests to the API %s', (api) => {
  test.each([
    ['a key alone', {}],
    ['headers of the runner', { headers: { 'X-Title': 'plans', 'user-agent': 'mine' } }],
    ['answers that are not streamed', { stream: false }],
    ['options of the model', { temperature: 0.1, instructions: 'Be brief.' }],
  ] satisfies [string, OpenAIOptions][])(
    'are those that the SDK makes, with %s',
    async (_, own) => {
      vi.stubEnv('OPENAI_ORG_ID', 'org-1');
      vi.stubEnv('OPENAI_CUSTOM_HEADERS', 'x-team: a\nx-title: from the environment');
      const options = { api, ...own };
      const times = [90_000, 61_000];
      const client = new OpenAI({ apiKey, baseURL: server.url });
      const bySdk = await requestsOf({ ...options, client }, times);
      const ours = await requestsOf({ ...options, apiKey, baseURL: server.url }, times);
      expect(ours).toEqual(bySdk);
      expect(ours.map(({ headers }) => headers['x-stainless-timeout'])).toEqual(['90', '61']);
    },
  );
});

test('each request has the headers of its task alone', async () => {
  const runner = openai({ model: 'm', api: 'chat', apiKey, baseURL: server.url });
  server.replyWith(saying({ text: 'Because.' }));
  await runner.run(request('Why?', { options: { headers: { 'x-task': 'a' } } }), attempt());
  await runner.run(request('Why?'), attempt());
  expect(server.requests.map(({ headers }) => headers['x-task'])).toEqual(['a', undefined]);
});

describe('a client', () => {
  /** Sends two requests with these headers. */
  async function headersOf(Client: typeof OpenAI, headers: Record<string, string | null>) {
    const Templated = templatedClient(Client, fetch);
    const client = new Templated({ apiKey, baseURL: server.url });
    server.replyWith(saying({ text: 'Because.' }));
    const { signal } = new AbortController();
    const request = { signal, timeout: 1_000, maxRetries: 0, headers };
    for (const content of ['Why?', 'How?']) {
      const messages = [{ role: 'user' as const, content }];
      await client.chat.completions.create({ model: 'm', messages }, request).asResponse();
    }
    return server.requests.map((sent) => sent.headers);
  }

  test('deletes headers that are null', async () => {
    const sent = await headersOf(OpenAI, { 'x-stainless-lang': null, 'x-own': 'a' });
    expect(sent.map((each) => [each['x-stainless-lang'], each['x-own']])).toEqual([
      [undefined, 'a'],
      [undefined, 'a'],
    ]);
  });

  test('whose requests have keys gives each its own', async () => {
    class Named extends OpenAI {
      protected override readonly idempotencyHeader = 'Idempotency-Key';
    }
    const keys = (await headersOf(Named, {})).map((each) => each['idempotency-key']);
    expect(new Set(keys).size).toBe(2);
  });
});
