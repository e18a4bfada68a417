import { Anthropic } from '@anthropic-ai/sdk';
import { LLMock } from '@copilotkit/aimock';
import { createExecutor, createPlan } from '@stratagem/core';
import { attempt, inOrder, json, request, testServer } from '@stratagem/test-kit';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { stream } from '../test/server.js';
import { anthropic } from './anthropic.js';

const apiKey = 'sk-ant-test-0123456789';
const usage = { input_tokens: 12, output_tokens: 9 };
const mock = new LLMock({ port: 0 });
const server = testServer();

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

const runner = () => anthropic({ model: 'a-model', apiKey, baseURL: mock.url });

test('answers a task with text, and streams it', async () => {
  const context = attempt();
  const result = await runner().run(request('Research the market'), context);

  expect(result.output).toBe('The market grows by a fifth each year.');
  expect(context.emitted.length).toBeGreaterThan(1);
  expect(context.emitted.join('')).toBe(result.output);
  expect(result.model).toBe('a-model');
  expect(result.usage).toEqual({ inputTokens: 12, outputTokens: 9 });
  expect(mock.getRequests()).toMatchObject([{ path: '/v1/messages', body: { stream: true } }]);
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

describe('what is not said', () => {
  test.each([
    ['ANTHROPIC_API_KEY', 'sk-ant-from-the-environment'],
    ['ANTHROPIC_AUTH_TOKEN', 'token-from-the-environment'],
  ])('the base URL and the credential come from the environment: %s', async (name, value) => {
    vi.stubEnv('ANTHROPIC_API_KEY', undefined);
    vi.stubEnv('ANTHROPIC_AUTH_TOKEN', undefined);
    vi.stubEnv('ANTHROPIC_BASE_URL', server.url);
    vi.stubEnv(name, value);
    server.replyWith(stream([{ type: 'message_stop' }]));
    await anthropic().run(request('Hello'), attempt());
    expect(server.requests).toHaveLength(1);
    const { authorization, 'x-api-key': key } = server.requests[0]?.headers ?? {};
    expect([authorization, key].join()).toContain(value);
  });

  test('the model is the one that the resource names', async () => {
    server.replyWith(stream([{ type: 'message_stop' }]));
    const unnamed = anthropic({ apiKey, baseURL: server.url });
    await unnamed.run(request('Hello'), attempt());
    expect(unnamed.name).toBe('anthropic');
    expect(unnamed.resource).toBe(`anthropic/${server.requests[0]?.body.model}`);
  });
});

describe('a client of your own', () => {
  test('is used as it is, but for its retries', async () => {
    const client = new Anthropic({
      apiKey,
      baseURL: server.url,
      defaultHeaders: { 'x-team': 'research' },
      maxRetries: 5,
      timeout: 4_000,
    });
    server.replyWith(json(500, { error: { type: 'api_error', message: 'down' } }));
    const run = anthropic({ client }).run(request('Hello'), attempt());
    await expect(run).rejects.toMatchObject({ code: 'server_error' });
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]?.headers).toMatchObject({
      'x-team': 'research',
      'x-stainless-timeout': '4',
    });
  });
});

describe('the time limit', () => {
  const limited = () => anthropic({ apiKey, baseURL: server.url, timeoutMs: 30_000 });

  test('of the runner goes with the request', async () => {
    server.replyWith(stream([{ type: 'message_stop' }]));
    await limited().run(request('Hello'), attempt());
    expect(server.requests[0]?.headers['x-stainless-timeout']).toBe('30');
  });

  test('of the run goes with the request when it is nearer', async () => {
    server.replyWith(stream([{ type: 'message_stop' }]));
    await limited().run(request('Hello'), attempt({ deadline: Date.now() + 5_000 }));
    expect(Number(server.requests[0]?.headers['x-stainless-timeout'])).toBeLessThanOrEqual(5);
  });
});
