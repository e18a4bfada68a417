import { LLMock } from '@copilotkit/aimock';
import { createExecutor, createPlan } from '@stratagem/core';
import {
  attempt,
  expectBackpressure,
  inOrder,
  json,
  request,
  testServer,
} from '@stratagem/test-kit';
import { OpenAI } from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { stream } from '../test/server.js';
import { openai } from './openai.js';

const apiKey = 'sk-test-0123456789';
/** In the words of both APIs. */
const usage = { input_tokens: 12, output_tokens: 9, prompt_tokens: 12, completion_tokens: 9 };
const mock = new LLMock({ port: 0 });
const server = testServer('/v1');

beforeAll(async () => {
  mock.onMessage(/^Research/, { content: 'The market grows by a fifth each year.', usage });
  mock.onMessage(/^Write/, { content: 'Report: it grows.', usage });
  await mock.start();
});
afterAll(() => mock.stop());
afterEach(() => {
  mock.clearRequests();
  vi.unstubAllEnvs();
});

describe.each([
  ['responses', '/v1/responses'],
  ['chat', '/v1/chat/completions'],
] as const)('through %s', (api, path) => {
  const runner = () => openai({ model: 'a-model', apiKey, baseURL: `${mock.url}/v1`, api });

  test('answers a task with text, and streams it', async () => {
    const context = attempt();
    const result = await runner().run(request('Research the market'), context);

    expect(result.output).toBe('The market grows by a fifth each year.');
    expect(context.emitted.length).toBeGreaterThan(1);
    expect(context.emitted.join('')).toBe(result.output);
    expect(result.model).toBe('a-model');
    expect(result.usage).toEqual({ inputTokens: 12, outputTokens: 9 });
    expect(mock.getRequests()).toMatchObject([
      { path, headers: { 'x-request-id': result.requestId }, body: { stream: true } },
    ]);
  });

  test('hands the outputs of dependencies to the model, in a run of a plan', async () => {
    const plan = createPlan('Market report')
      .addTask({ id: 'research', description: 'Research the market' })
      .addTask({ id: 'report', description: 'Write the report', dependencies: ['research'] });
    const result = await createExecutor({ strategy: inOrder, runner: runner() }).execute(plan);

    expect(result.error).toBeUndefined();
    expect(result.outputs).toEqual({
      research: 'The market grows by a fifth each year.',
      report: 'Report: it grows.',
    });
    const [first, second, ...others] = mock.getRequests().map(({ body }) => body);
    expect(others).toEqual([]);
    expect(first).toMatchObject({
      model: 'a-model',
      messages: [{ role: 'user', content: 'Research the market' }],
    });
    const prompt = JSON.stringify(second);
    expect(prompt).toContain('Write the report');
    expect(prompt).toContain('The market grows by a fifth each year.');

    const texts = result.timeline.flatMap((event) =>
      event.type === 'task_output' && event.kind === 'text' && event.taskId === 'report'
        ? [event.text]
        : [],
    );
    expect(texts.join('')).toBe('Report: it grows.');
    expect(result.metrics.usage).toMatchObject({ inputTokens: 24, outputTokens: 18 });
  });
});

test.each([
  ['responses', (text: string) => ({ type: 'response.output_text.delta', delta: text })],
  ['chat', (text: string) => ({ choices: [{ index: 0, delta: { content: text } }] })],
] as const)(
  'through %s, the answer is not read faster than its text is taken',
  async (api, event) => {
    const runner = openai({ model: 'a-model', apiKey, baseURL: server.url, api });
    const piece = (text: string) => `data: ${JSON.stringify(event(text))}\n\n`;
    await expectBackpressure(runner, (reply) => server.replyWith(reply), { piece });
  },
);

describe('what is not said', () => {
  test('the key and the base URL come from the environment', async () => {
    vi.stubEnv('OPENAI_API_KEY', 'sk-from-the-environment');
    vi.stubEnv('OPENAI_BASE_URL', server.url);
    server.replyWith(stream([{ choices: [{ delta: { content: 'Hi' }, finish_reason: 'stop' }] }]));
    await openai({ model: 'a-model' }).run(request('Hello'), attempt());
    expect(server.requests).toMatchObject([
      {
        path: '/v1/chat/completions',
        headers: { authorization: 'Bearer sk-from-the-environment' },
      },
    ]);
  });

  test.each([
    ['https://api.openai.com/v1', '/v1/responses'],
    ['https://eu.api.openai.com/v1', '/v1/responses'],
    ['https://name.openai.azure.com/openai/v1', '/openai/v1/responses'],
    ['https://openai.com.example.org/v1', '/v1/chat/completions'],
    ['https://notopenai.com/v1', '/v1/chat/completions'],
    ['http://127.0.0.1:11434/v1', '/v1/chat/completions'],
  ])('at %s, the request goes to %s', async (baseURL, path) => {
    const { client, requests } = clientThatIsRefused(baseURL);
    await openai({ client })
      .run(request('Hello'), attempt())
      .catch(() => {});
    expect(requests.map(({ url }) => url.pathname)).toEqual([path]);
  });

  test('the model is the one that the resource names', async () => {
    const { client, requests } = clientThatIsRefused('https://api.openai.com/v1');
    const runner = openai({ client });
    await runner.run(request('Hello'), attempt()).catch(() => {});
    expect(runner.name).toBe('openai');
    expect(runner.resource).toBe(`openai/${requests[0]?.body.model}`);
  });
});

describe('a client of your own', () => {
  test('is used as it is, but for its retries', async () => {
    const client = new OpenAI({
      apiKey,
      baseURL: server.url,
      defaultHeaders: { 'x-team': 'research' },
      maxRetries: 5,
      timeout: 4_000,
    });
    server.replyWith(json(500, { error: { message: 'down' } }));
    const run = openai({ client }).run(request('Hello'), attempt());
    await expect(run).rejects.toMatchObject({ code: 'server_error' });
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]?.headers).toMatchObject({
      'x-team': 'research',
      'x-stainless-timeout': '4',
    });
  });
});

describe('the time limit', () => {
  const runner = () => openai({ apiKey, baseURL: server.url, timeoutMs: 30_000 });

  test('of the runner goes with the request', async () => {
    server.replyWith(stream([]));
    await runner()
      .run(request('Hello'), attempt())
      .catch(() => {});
    expect(server.requests[0]?.headers['x-stainless-timeout']).toBe('30');
  });

  test('of the run goes with the request when it is nearer', async () => {
    server.replyWith(stream([]));
    const context = attempt({ deadline: Date.now() + 5_000 });
    await runner()
      .run(request('Hello'), context)
      .catch(() => {});
    expect(Number(server.requests[0]?.headers['x-stainless-timeout'])).toBeLessThanOrEqual(5);
  });
});

/** A client whose requests are noted and go nowhere. */
function clientThatIsRefused(baseURL: string) {
  const requests: { url: URL; body: Record<string, unknown> }[] = [];
  const client = new OpenAI({
    apiKey,
    baseURL,
    fetch: async (url, init) => {
      requests.push({ url: new URL(String(url)), body: JSON.parse(String(init?.body)) });
      return new Response('{}', { status: 400 });
    },
  });
  return { client, requests };
}
