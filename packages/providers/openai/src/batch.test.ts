import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { LLMock } from '@copilotkit/aimock';
import { createExecutor, createPlan, type Plan } from '@stratagem/core';
import { runnerConformance } from '@stratagem/core/testing';
import { batchServer, inOrder } from '@stratagem/test-kit';
import { OpenAI } from 'openai';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { BatchApi, type SentRequest } from '../test/batch-api.js';
import { type OpenAIBatchOptions, openaiBatch } from './batch.js';

const apiKey = 'sk-planted-0123456789';
const server = batchServer('/v1');
/** Long enough for two tasks to be ready within it on a busy machine. */
const quick = { batchWindowMs: 100, pollMs: 20 };

/** An answer in the words of the API that was asked. */
function saying(text: string, { url }: SentRequest) {
  const usage = { prompt_tokens: 5, completion_tokens: 2, input_tokens: 5, output_tokens: 2 };
  const content = [{ type: 'output_text', text }];
  const body = url.endsWith('/responses')
    ? { status: 'completed', model: 'm-2026', output: [{ type: 'message', content }], usage }
    : { model: 'm-2026', choices: [{ message: { content: text }, finish_reason: 'stop' }], usage };
  return { response: { status_code: 200, request_id: 'req_1', body } };
}

function start(change: Partial<BatchApi> = {}) {
  const api = Object.assign(new BatchApi(), change);
  server.serve(api.routes);
  return api;
}

function run(plan: Plan, options: OpenAIBatchOptions = {}) {
  const runner = openaiBatch({ model: 'm', apiKey, baseURL: server.url, ...quick, ...options });
  const retry = { maxAttempts: 3, initialDelayMs: 1 };
  return createExecutor({ strategy: inOrder, runner, maxParallel: Infinity, retry }).execute(plan);
}

const three = createPlan('Three')
  .addTask({ id: 'a', description: 'Say a.' })
  .addTask({ id: 'b', description: 'Say b.' })
  .addTask({ id: 'c', description: 'Say c.', dependencies: ['a', 'b'] });

const promptOf = ({ body }: SentRequest) =>
  JSON.stringify(body).match(/Say (\w+)\./)?.[1] ?? JSON.stringify(body);
const echo = (request: SentRequest) => saying(`${promptOf(request)}!`, request);

test('ready tasks go in one job, and each result completes its task', async () => {
  const api = start({ outcome: echo });
  const result = await run(three, { instructions: 'Be brief.', temperature: 0.2 });
  expect(result.error).toBeUndefined();
  expect(result.outputs).toEqual({ a: 'a!', b: 'b!', c: 'c!' });
  expect(result.metrics.usage).toMatchObject({ inputTokens: 15, outputTokens: 6 });
  expect(api.jobs.map((job) => job.length)).toEqual([2, 1]);
  expect(api.jobs[0]?.[0]).toEqual({
    custom_id: expect.stringMatching(/^[a-f0-9]{48}-0$/),
    method: 'POST',
    url: '/v1/chat/completions',
    body: {
      model: 'm',
      temperature: 0.2,
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Say a.' },
      ],
    },
  });
  const created = server.calls.find(
    ({ method, path }) => method === 'POST' && /batches$/.test(path),
  );
  expect(JSON.parse(created?.body ?? '')).toEqual({
    input_file_id: 'file-1',
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
  });
  expect(result.timeline).toContainEqual(
    expect.objectContaining({
      type: 'task_output',
      kind: 'notice',
      message: 'sent in batch batch_1',
    }),
  );
  expect(result.timeline).toContainEqual(
    expect.objectContaining({ type: 'task_completed', model: 'm-2026', requestId: 'req_1' }),
  );
});

test('at OpenAI, through the Responses API and with its structured output', async () => {
  const api = start({ outcome: (request) => saying('{"name":"Sea"}', request) });
  const client = new OpenAI({
    apiKey,
    baseURL: 'https://api.openai.com/v1',
    fetch: (url, init) => fetch(String(url).replace('https://api.openai.com/v1', server.url), init),
  });
  const plan = createPlan('Name').addTask({
    id: 'a',
    description: 'Name a café.',
    outputSchema: z.object({ name: z.string() }),
  });
  const runner = openaiBatch({ model: 'm', client, ...quick });
  const result = await createExecutor({ strategy: inOrder, runner }).execute(plan);
  expect(result.outputs).toEqual({ a: { name: 'Sea' } });
  expect(api.jobs[0]?.[0]).toMatchObject({
    url: '/v1/responses',
    body: {
      model: 'm',
      input: 'Name a café.',
      text: { format: { type: 'json_schema', strict: true, name: 'answer' } },
    },
  });
});

describe('what fails', () => {
  test.each<[string, object, string, string]>([
    [
      'a refused request',
      { response: { status_code: 400, body: { error: { message: 'Bad prompt.' } } } },
      'invalid_request',
      'openai/m: 400 Bad prompt.',
    ],
    [
      'a filtered answer',
      {
        response: {
          status_code: 200,
          body: { model: 'm', choices: [{ message: {}, finish_reason: 'content_filter' }] },
        },
      },
      'refused',
      'the content filter withheld the answer',
    ],
    [
      'a cut answer',
      {
        response: {
          status_code: 200,
          body: { model: 'm', choices: [{ message: { content: 'a' }, finish_reason: 'length' }] },
        },
      },
      'truncated',
      'cut off',
    ],
  ])('is said of its task alone: %s', async (_, outcome, code, message) => {
    start({
      outcome: (request) => (promptOf(request) === 'a' ? (outcome as never) : echo(request)),
    });
    const result = await run({ goal: 'two', tasks: three.tasks.slice(0, 2) });
    expect(result.outputs).toEqual({ b: 'b!' });
    expect(result.tasks[0]?.error).toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  test.each([
    ['a server error', { response: { status_code: 500, body: { error: { message: 'Oops.' } } } }],
    ['an expired request', { error: { code: 'batch_expired', message: 'It took too long.' } }],
  ])('for a while is sent again in another job: %s', async (_, outcome) => {
    let asked = 0;
    const api = start({
      outcome: (request) => {
        const isFirst = promptOf(request) === 'a' && ++asked === 1;
        return isFirst ? (outcome as never) : echo(request);
      },
    });
    const result = await run(three);
    expect(result.outputs).toEqual({ a: 'a!', b: 'b!', c: 'c!' });
    expect(api.jobs.map((job) => job.map(promptOf))).toEqual([['a', 'b'], ['a'], ['c']]);
    expect(result.tasks[0]?.attempts).toBe(2);
  });

  test.each([
    ['failed', 'invalid_request', 'was refused'],
    ['cancelled', 'rejected', 'was canceled'],
  ])('as a whole is said of every task: %s', async (status, code, message) => {
    start({ status });
    const result = await run({ goal: 'two', tasks: three.tasks.slice(0, 2) });
    for (const { error } of result.tasks) {
      expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
    }
  });

  test('while a job is watched does not lose it', async () => {
    const api = start({ outcome: echo });
    let broken = 0;
    server.serve((call) =>
      call.method === 'GET' && ++broken < 3
        ? { status: 503, body: { error: { message: 'Busy.' } } }
        : api.routes(call),
    );
    const result = await run(three);
    expect(result.status).toBe('completed');
    expect(api.jobs).toHaveLength(2);
  });
});

test('500 tasks of a plan are each done once, with errors on the way', async () => {
  const seen = new Map<string, number>();
  const api = start({
    outcome: (request) => {
      const name = promptOf(request);
      const times = (seen.get(name) ?? 0) + 1;
      seen.set(name, times);
      const fails = times === 1 && Number(name.slice(1)) % 5 === 0;
      return fails ? { response: { status_code: 500, body: {} } } : echo(request);
    },
  });
  const tasks = Array.from({ length: 500 }, (_, index) => ({
    id: `t${index}`,
    description: `Say t${index}.`,
  }));
  const result = await run({ goal: 'many', tasks }, { maxRequests: 200 });
  expect(result.error).toBeUndefined();
  expect(result.metrics.completedTasks).toBe(500);
  for (const { id } of tasks)
    expect((result.outputs as Record<string, unknown>)[id]).toBe(`${id}!`);
  expect(Math.max(...api.jobs.map((job) => job.length))).toBe(200);
  expect(api.jobs.length).toBeLessThan(20);
  expect(api.jobs.flat()).toHaveLength(600);
});

test('a job outlives its process: the next one finds it by its id, and the key is in no file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stratagem-'));
  const stateFile = join(folder, 'batches.json');
  const api = start({ outcome: echo, questionsPerJob: 1_000 });
  const first = run(three, { stateFile });
  const isSent = ({ type, ...event }: { type: string; kind?: string }) =>
    type === 'task_output' && event.kind === 'notice';
  for await (const event of first) if (isSent(event)) break;
  first.cancel();
  const canceled = await first;
  expect(api.canceled).toEqual([]);

  api.questionsPerJob = 1;
  const result = await run(three, { stateFile });
  expect(result.outputs).toEqual({ a: 'a!', b: 'b!', c: 'c!' });
  expect(api.jobs.map((job) => job.length)).toEqual([2, 1]);
  expect(result.timeline).toContainEqual(
    expect.objectContaining({ message: 'found in batch batch_1' }),
  );
  const written = (await readFile(stateFile, 'utf8')) + inspect([canceled, result], { depth: 20 });
  expect(written).not.toContain(apiKey);
  expect(written).toContain('batch_1');
  await rm(folder, { recursive: true });
});

test('a run that is canceled takes its job with it', async () => {
  const api = start({ outcome: echo, questionsPerJob: 1_000 });
  const handle = run(three);
  for await (const event of handle) if (event.type === 'task_output') break;
  handle.cancel();
  await handle;
  await expect.poll(() => api.canceled).toEqual(['batch_1']);
});

test('tasks with tools are refused', () => {
  const runner = openaiBatch({ apiKey });
  const tools = ['look'];
  const plan = { goal: 'x', tasks: [{ id: 'a', description: 'x', tools }] };
  expect(() => createExecutor({ strategy: inOrder, runner }).execute(plan)).toThrow('look');
});

test.each([
  [{ timeoutMs: 5 }, 'openaiBatch() has no option "timeoutMs"'],
  [{ pollMs: 0 }, 'openaiBatch(): pollMs must be'],
  [{ model: '' }, 'openaiBatch(): model must be'],
])('%j is refused', (options, message) => {
  expect(() => openaiBatch(options as never)).toThrow(message);
});

test.each([
  ['', {}],
  [' that fails now and then', { dropRate: 0.2 }],
  [' that has a limit', { rateLimitRate: 0.2 }],
])('a mock of the service%s does the jobs', async (_, chaos) => {
  const mock = new LLMock({ port: 0 });
  await mock.start();
  mock.setChaos(chaos);
  const runner = openaiBatch({ model: 'm', apiKey, baseURL: `${mock.url}/v1`, ...quick });
  const retry = { maxAttempts: 40, initialDelayMs: 1, maxDelayMs: 20 };
  const executor = createExecutor({ strategy: inOrder, runner, maxParallel: Infinity, retry });
  const { error, outputs } = await executor.execute(three);
  await mock.stop();
  expect(error).toBeUndefined();
  // It answers every batch with the same words.
  expect(Object.keys(outputs)).toEqual(['a', 'b', 'c']);
  expect(new Set(Object.values(outputs)).size).toBe(1);
});

describe('it is a runner like any other', () => {
  const create = () => {
    start({
      outcome: (request) =>
        saying(JSON.stringify(request).includes('title') ? '{"title":"Sea"}' : 'Hello.', request),
    });
    return openaiBatch({ model: 'm', apiKey, baseURL: server.url, batchWindowMs: 1, pollMs: 1 });
  };
  const failing = () => {
    server.serve(() => ({ status: 500, body: { error: { message: 'No.' } } }));
    return openaiBatch({ model: 'm', apiKey, baseURL: server.url, batchWindowMs: 1, pollMs: 1 });
  };
  const cases = runnerConformance(create, { failing, secret: apiKey });
  for (const { name, run: prove } of cases) test(name, prove);
});
