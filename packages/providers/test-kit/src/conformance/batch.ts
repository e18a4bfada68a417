import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { createExecutor, createPlan, type Plan, type TaskRunner } from '@stratagem/core';
import { runnerConformance } from '@stratagem/core/testing';
import { describe, expect, test } from 'vitest';
import { inOrder } from '../attempt.js';
import { type BatchRoutes, batchServer } from '../batch-server.js';

/** Jobs at a test server. */
export interface TestBatchApi<Request, Outcome> {
  readonly jobs: Request[][];
  readonly canceled: string[];
  pollsPerJob: number;
  /** The outcome of a request; undefined for no result. */
  outcome: (request: Request) => Outcome | undefined;
  readonly routes: BatchRoutes;
}

/** A runner over a Batch API, and the format of its jobs. */
export interface BatchSubject<Request, Outcome, Api extends TestBatchApi<Request, Outcome>> {
  /** The name of the function: `openaiBatch`. */
  readonly name: string;
  readonly apiKey: string;
  readonly basePath: '' | '/v1';
  create(options?: object): TaskRunner;
  createApi(): Api;
  /** The id of the first job. */
  readonly jobId: string;
  /** A result with this text; its usage is 5 input and 2 output tokens. */
  saying(text: string, request: Request): Outcome;
  /** The first request of a job, with the instructions `Be brief.` and the prompt `Say a.` */
  readonly request: object;
  /** What a completed task has, besides the model `m-2026`. */
  readonly completed?: object | undefined;
  /** Outcomes that fail one task: name, outcome, code, part of the message. */
  readonly failures: readonly (readonly [string, Outcome, code: string, message: string])[];
  /** Outcomes after which the request is sent again. */
  readonly transient: readonly (readonly [string, Outcome | undefined])[];
}

/** Long enough for two tasks to become ready within it on a busy machine. */
const quick = { batchWindowMs: 100, pollMs: 20 };

const three = createPlan('Three')
  .addTask({ id: 'a', description: 'Say a.' })
  .addTask({ id: 'b', description: 'Say b.' })
  .addTask({ id: 'c', description: 'Say c.', dependencies: ['a', 'b'] });
const two = { goal: 'two', tasks: three.tasks.slice(0, 2) };

/**
 * The tests that every runner over a Batch API must pass.
 *
 * @returns A way to run further plans on the same server.
 */
export function batchConformance<Request, Outcome, Api extends TestBatchApi<Request, Outcome>>(
  subject: BatchSubject<Request, Outcome, Api>,
) {
  const { apiKey, jobId, name } = subject;
  const server = batchServer(subject.basePath);

  function start(change: Partial<Api> = {}): Api {
    const api = Object.assign(subject.createApi(), change);
    server.serve(api.routes);
    return api;
  }

  function run(plan: Plan, options: object = {}) {
    const runner = subject.create({
      model: 'm',
      apiKey,
      baseURL: server.url,
      ...quick,
      ...options,
    });
    const retry = { maxAttempts: 3, initialDelayMs: 1 };
    return createExecutor({ strategy: inOrder, runner, maxParallel: Infinity, retry }).execute(
      plan,
    );
  }

  const promptOf = (request: Request) =>
    JSON.stringify(request).match(/Say (\w+)\./)?.[1] ?? JSON.stringify(request);
  const echo = (request: Request) => subject.saying(`${promptOf(request)}!`, request);
  const change = (outcome: (request: Request) => Outcome | undefined) =>
    ({ outcome }) as Partial<Api>;

  test('ready tasks share a job, and each result completes its task', async () => {
    const api = start(change(echo));
    const result = await run(three, { instructions: 'Be brief.' });
    expect(result.error).toBeUndefined();
    expect(result.outputs).toEqual({ a: 'a!', b: 'b!', c: 'c!' });
    expect(result.metrics.usage).toMatchObject({ inputTokens: 15, outputTokens: 6 });
    expect(api.jobs.map((job) => job.length)).toEqual([2, 1]);
    expect(api.jobs[0]?.[0]).toEqual({
      custom_id: expect.stringMatching(/^[a-f0-9]{48}-0$/),
      ...subject.request,
    });
    expect(result.timeline).toContainEqual(
      expect.objectContaining({
        type: 'task_output',
        kind: 'notice',
        message: `sent in batch ${jobId}`,
      }),
    );
    expect(result.timeline).toContainEqual(
      expect.objectContaining({ type: 'task_completed', model: 'm-2026', ...subject.completed }),
    );
  });

  describe('a failure', () => {
    test.each(subject.failures)('fails its task alone: %s', async (_, outcome, code, message) => {
      start(change((request) => (promptOf(request) === 'a' ? outcome : echo(request))));
      const result = await run(two);
      expect(result.outputs).toEqual({ b: 'b!' });
      expect(result.tasks[0]?.error).toMatchObject({
        code,
        message: expect.stringContaining(message),
      });
    });

    test.each(subject.transient)('that is transient is sent again: %s', async (_, outcome) => {
      let asked = 0;
      const api = start(
        change((request) => {
          const isFirst = promptOf(request) === 'a' && ++asked === 1;
          return isFirst ? outcome : echo(request);
        }),
      );
      const result = await run(three);
      expect(result.outputs).toEqual({ a: 'a!', b: 'b!', c: 'c!' });
      expect(api.jobs.map((job) => job.map(promptOf))).toEqual([['a', 'b'], ['a'], ['c']]);
      expect(result.tasks[0]?.attempts).toBe(2);
    });

    test('of a poll does not lose the job', async () => {
      const api = start(change(echo));
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
    const [[, failure]] = subject.transient as readonly [readonly [string, Outcome]];
    const api = start(
      change((request) => {
        const prompt = promptOf(request);
        const times = (seen.get(prompt) ?? 0) + 1;
        seen.set(prompt, times);
        return times === 1 && Number(prompt.slice(1)) % 5 === 0 ? failure : echo(request);
      }),
    );
    const tasks = Array.from({ length: 500 }, (_, index) => ({
      id: `t${index}`,
      description: `Say t${index}.`,
    }));
    const result = await run({ goal: 'many', tasks }, { maxRequests: 200 });
    expect(result.error).toBeUndefined();
    expect(result.metrics.completedTasks).toBe(500);
    for (const { id } of tasks) {
      expect((result.outputs as Record<string, unknown>)[id]).toBe(`${id}!`);
    }
    expect(Math.max(...api.jobs.map((job) => job.length))).toBe(200);
    expect(api.jobs.length).toBeLessThan(20);
    expect(api.jobs.flat()).toHaveLength(600);
  });

  test('a job outlives its process: the next one finds it, and no file contains the key', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'stratagem-'));
    const stateFile = join(folder, 'batches.json');
    const api = start({ ...change(echo), pollsPerJob: 1_000 });
    const first = run(three, { stateFile });
    const isSent = ({ type, ...event }: { type: string; kind?: string }) =>
      type === 'task_output' && event.kind === 'notice';
    for await (const event of first) if (isSent(event)) break;
    first.cancel();
    const canceled = await first;
    expect(api.canceled).toEqual([]);

    api.pollsPerJob = 1;
    const result = await run(three, { stateFile });
    expect(result.outputs).toEqual({ a: 'a!', b: 'b!', c: 'c!' });
    expect(api.jobs.map((job) => job.length)).toEqual([2, 1]);
    expect(result.timeline).toContainEqual(
      expect.objectContaining({ message: `found in batch ${jobId}` }),
    );
    const state = await readFile(stateFile, 'utf8');
    const written = state + inspect([canceled, result], { depth: 20 });
    expect(written).not.toContain(apiKey);
    expect(written).toContain(jobId);
    await rm(folder, { recursive: true });
  });

  test('a job whose id never arrives is found again, and sent once', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'stratagem-'));
    const api = start(change(echo));
    let lost = 0;
    server.serve((call) => {
      const answer = api.routes(call);
      const isCreated = call.method === 'POST' && /batches$/.test(call.path);
      return isCreated && lost++ === 0 ? { status: 502, body: 'Bad gateway' } : answer;
    });
    const result = await run(two, { stateFile: join(folder, 'batches.json') });
    expect(result.outputs).toEqual({ a: 'a!', b: 'b!' });
    expect(api.jobs.map((job) => job.length)).toEqual([2]);
    const message = expect.stringMatching(`^(found|perhaps) in batch ${jobId}$`);
    expect(result.timeline).toContainEqual(expect.objectContaining({ message }));
    await rm(folder, { recursive: true });
  });

  test('a canceled run cancels its job', async () => {
    const api = start({ ...change(echo), pollsPerJob: 1_000 });
    const handle = run(three);
    for await (const event of handle) if (event.type === 'task_output') break;
    handle.cancel();
    await handle;
    await expect.poll(() => api.canceled).toEqual([jobId]);
  });

  test('tasks with tools are rejected', () => {
    const runner = subject.create({ apiKey });
    const plan = { goal: 'x', tasks: [{ id: 'a', description: 'x', tools: ['look'] }] };
    expect(() => createExecutor({ strategy: inOrder, runner }).execute(plan)).toThrow('look');
  });

  test.each([
    [{ timeoutMs: 5 }, `${name}() has no option "timeoutMs"`],
    [{ pollMs: 0 }, `${name}(): pollMs must be`],
    [{ model: '' }, `${name}(): model must be`],
  ])('the options %j are rejected', (options, message) => {
    expect(() => subject.create(options)).toThrow(message);
  });

  describe('the contract of every runner', () => {
    const instant = { model: 'm', apiKey, batchWindowMs: 1, pollMs: 1 };
    const create = () => {
      start(
        change((request) => {
          const wantsForm = JSON.stringify(request).includes('title');
          return subject.saying(wantsForm ? '{"title":"Sea"}' : 'Hello.', request);
        }),
      );
      return subject.create({ ...instant, baseURL: server.url });
    };
    const failing = () => {
      server.serve(() => ({ status: 500, body: { error: { message: 'No.' } } }));
      return subject.create({ ...instant, baseURL: server.url });
    };
    const cases = runnerConformance(create, { failing, secret: apiKey });
    for (const { name: title, run: prove } of cases) test(title, prove);
  });

  return { server, start, run, quick, two, three };
}
