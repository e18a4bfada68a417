import { attempt, request } from '@stratagem/test-kit';
import { OpenAI } from 'openai';
import { describe, expect, test } from 'vitest';
import { openai } from './openai.js';

describe('without options', () => {
  test.each([
    ['https://api.openai.com/v1', '/v1/responses'],
    ['https://eu.api.openai.com/v1', '/v1/responses'],
    ['https://name.openai.azure.com/openai/v1', '/openai/v1/responses'],
    ['https://openai.com.example.org/v1', '/v1/chat/completions'],
    ['https://notopenai.com/v1', '/v1/chat/completions'],
    ['http://127.0.0.1:11434/v1', '/v1/chat/completions'],
  ])('a request to %s has the path %s', async (baseURL, path) => {
    const { client, requests } = rejectingClient(baseURL);
    await openai({ client })
      .run(request('Hello'), attempt())
      .catch(() => {});
    expect(requests.map(({ url }) => url.pathname)).toEqual([path]);
  });

  test('a request to OpenAI has the model that the resource names', async () => {
    const { client, requests } = rejectingClient('https://api.openai.com/v1');
    const runner = openai({ client });
    await runner.run(request('Hello'), attempt()).catch(() => {});
    expect(runner.name).toBe('openai');
    expect(runner.resource).toBe(`openai/${requests[0]?.body.model}`);
  });
});

/** A client that records its requests, and rejects them. */
function rejectingClient(baseURL: string) {
  const requests: { url: URL; body: Record<string, unknown> }[] = [];
  const client = new OpenAI({
    apiKey: 'sk-test-0123456789',
    baseURL,
    fetch: async (url, init) => {
      requests.push({ url: new URL(String(url)), body: JSON.parse(String(init?.body)) });
      return new Response('{}', { status: 400 });
    },
  });
  return { client, requests };
}
