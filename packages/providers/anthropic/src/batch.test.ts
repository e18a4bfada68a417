import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { createExecutor, createPlan, type Plan } from '@stratagem/core';
import { runnerConformance } from '@stratagem/core/testing';
import { batchServer, inOrder } from '@stratagem/test-kit';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { BatchApi, type SentRequest } from '../test/batch-api.js';
import { type AnthropicBatchOptions, anthropicBatch } from './batch.js';

const apiKey = 'sk-ant-planted-0123456789';
const server = batchServer('');
/** Long enough for two tasks to be ready within it on a busy machine. */
const quick = { batchWindowMs: 100, pollMs: 20 };

/** What a request came to that went well. */
function saying(text: string) {
  const usage = { input_tokens: 5, output_tokens: 2 };
  const content = [{ type: 'text', text }];
  return {
    type: 'succeeded',
    message: { role: 'assistant', model: 'm-2026', stop_reason: 'end_turn', content, usage },
  };
}

function start(change: Partial<BatchApi> = {}) {
  const api = Object.assign(new BatchApi(), change);
  server.serve(api.routes);
  return api;
}

function run(plan: Plan, options: AnthropicBatchOptions = {}) {
  const runner = anthropicBatch({ model: 'm', apiKey, baseURL: server.url, ...quick, ...options });
  const retry = { maxAttempts: 3, initialDelayMs: 1 };
  return createExecutor({ strategy: inOrder, runner, maxParallel: Infinity, retry }).execute(plan);
}

const three = createPlan('Three')
  .addTask({ id: 'a', description: 'Say a.' })
  .addTask({ id: 'b', description: 'Say b.' })
  .addTask({ id: 'c', description: 'Say c.', dependencies: ['a', 'b'] });

const promptOf = ({ params }: SentRequest) =>
  JSON.stringify(params).match(/Say (\w+)\./)?.[1] ?? JSON.stringify(params);
const echo = (request: SentRequest) => saying(`${promptOf(request)}!`);

test('ready tasks go in one job, and each result completes its task', async () => {
  const api = start({ outcome: echo });
  const result = await run(three, { instructions: 'Be brief.' });
  expect(result.error).toBeUndefined();
  expect(result.outputs).toEqual({ a: 'a!', b: 'b!', c: 'c!' });
  expect(result.metrics.usage).toMatchObject({ inputTokens: 15, outputTokens: 6 });
  expect(api.jobs.map((job) => job.length)).toEqual([2, 1]);
  expect(api.jobs[0]?.[0]).toEqual({
    custom_id: expect.stringMatching(/^[a-f0-9]{48}-0$/),
    params: {
      model: 'm',
      max_tokens: 32_000,
      system: 'Be brief.',
      messages: [{ role: 'user', content: 'Say a.' }],
    },
  });
  expect(result.timeline).toContainEqual(
    expect.objectContaining({
      type: 'task_output',
      kind: 'notice',
      message: 'sent in batch msgbatch_1',
    }),
  );
  expect(result.timeline).toContainEqual(
    expect.objectContaining({ type: 'task_completed', model: 'm-2026' }),
  );
});

test('with the structured output of the API, or a tool where that cannot hold the schema', async () => {
  const give = { type: 'tool_use', id: 't', name: 'give_answer', input: { sea: 1 } };
  const api = start({
    outcome: ({ params }) =>
      params.tools === undefined
        ? saying('{"name":"Sea"}')
        : { type: 'succeeded', message: { ...saying('').message, content: [give] } },
  });
  const plan = createPlan('Name')
    .addTask({
      id: 'a',
      description: 'Name a café.',
      outputSchema: z.object({ name: z.string() }),
    })
    .addTask({
      id: 'b',
      description: 'Count the names.',
      outputSchema: z.record(z.string(), z.number()),
    });
  const result = await run(plan);
  expect(result.outputs).toEqual({ a: { name: 'Sea' }, b: { sea: 1 } });
  const [named, counted] = ['Name a café.', 'Count the names.'].map((content) =>
    api.jobs.flat().find(({ params }) => JSON.stringify(params).includes(content)),
  );
  expect(named?.params.output_config).toMatchObject({ format: { type: 'json_schema' } });
  expect(counted?.params.tool_choice).toEqual({ type: 'tool', name: 'give_answer' });
});

describe('what fails', () => {
  const errored = (type: string, message: string) => ({
    type: 'errored',
    error: { type: 'error', error: { type, message } },
  });

  test.each<[string, object, string, string]>([
    [
      'a refused request',
      errored('invalid_request_error', 'Bad prompt.'),
      'invalid_request',
      'anthropic/m: Bad prompt.',
    ],
    [
      'a refusal',
      { type: 'succeeded', message: { ...saying('').message, stop_reason: 'refusal' } },
      'refused',
      'refused to answer',
    ],
    [
      'a cut answer',
      { type: 'succeeded', message: { ...saying('a').message, stop_reason: 'max_tokens' } },
      'truncated',
      'cut off',
    ],
    ['a canceled request', { type: 'canceled' }, 'rejected', 'canceled with its batch'],
  ])('is said of its task alone: %s', async (_, outcome, code, message) => {
    start({
      outcome: (request) => (promptOf(request) === 'a' ? outcome : echo(request)),
    });
    const result = await run({ goal: 'two', tasks: three.tasks.slice(0, 2) });
    expect(result.outputs).toEqual({ b: 'b!' });
    expect(result.tasks[0]?.error).toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  test.each([
    ['a server error', errored('api_error', 'Oops.')],
    ['no capacity', errored('overloaded_error', 'Busy.')],
    ['an expired request', { type: 'expired' }],
    ['no result', undefined],
  ])('for a while is sent again in another job: %s', async (_, outcome) => {
    let asked = 0;
    const api = start({
      outcome: (request) => {
        const isFirst = promptOf(request) === 'a' && ++asked === 1;
        return isFirst ? outcome : echo(request);
      },
    });
    const result = await run(three);
    expect(result.outputs).toEqual({ a: 'a!', b: 'b!', c: 'c!' });
    expect(api.jobs.map((job) => job.map(promptOf))).toEqual([['a', 'b'], ['a'], ['c']]);
    expect(result.tasks[0]?.attempts).toBe(2);
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
      return fails ? { type: 'expired' } : echo(request);
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
    expect.objectContaining({ message: 'found in batch msgbatch_1' }),
  );
  const written = (await readFile(stateFile, 'utf8')) + inspect([canceled, result], { depth: 20 });
  expect(written).not.toContain(apiKey);
  expect(written).toContain('msgbatch_1');
  await rm(folder, { recursive: true });
});

test('a run that is canceled takes its job with it', async () => {
  const api = start({ outcome: echo, questionsPerJob: 1_000 });
  const handle = run(three);
  for await (const event of handle) if (event.type === 'task_output') break;
  handle.cancel();
  await handle;
  await expect.poll(() => api.canceled).toEqual(['msgbatch_1']);
});

test('tasks with tools are refused', () => {
  const runner = anthropicBatch({ apiKey });
  const tools = ['look'];
  const plan = { goal: 'x', tasks: [{ id: 'a', description: 'x', tools }] };
  expect(() => createExecutor({ strategy: inOrder, runner }).execute(plan)).toThrow('look');
});

test.each([
  [{ timeoutMs: 5 }, 'anthropicBatch() has no option "timeoutMs"'],
  [{ pollMs: 0 }, 'anthropicBatch(): pollMs must be'],
  [{ model: '' }, 'anthropicBatch(): model must be'],
])('%j is refused', (options, message) => {
  expect(() => anthropicBatch(options as never)).toThrow(message);
});

describe('it is a runner like any other', () => {
  const create = () => {
    start({
      outcome: (request) =>
        saying(JSON.stringify(request).includes('title') ? '{"title":"Sea"}' : 'Hello.'),
    });
    return anthropicBatch({ model: 'm', apiKey, baseURL: server.url, batchWindowMs: 1, pollMs: 1 });
  };
  const failing = () => {
    server.serve(() => ({ status: 500, body: { error: { message: 'No.' } } }));
    return anthropicBatch({ model: 'm', apiKey, baseURL: server.url, batchWindowMs: 1, pollMs: 1 });
  };
  const cases = runnerConformance(create, { failing, secret: apiKey });
  for (const { name, run: prove } of cases) test(name, prove);
});
