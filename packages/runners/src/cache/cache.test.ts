import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createExecutor,
  createPlan,
  type RunContext,
  RunnerError,
  type TaskOutput,
  type TaskRequest,
  type TaskRunner,
} from '@stratagem/core';
import { runnerConformance } from '@stratagem/core/testing';
import { simulated } from '@stratagem/simulated';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { attempt, inOrder, request } from '../../test/attempt.js';
import { rateLimit } from '../limit/rate-limit.js';
import { withOptions } from '../options/with-options.js';
import { type CacheOptions, cache } from './cache.js';
import { type CacheStore, memoryStore } from './cache-store.js';
import { fileStore } from './file-store.js';

/** A runner that counts what it is asked. */
function counting(
  work: (request: TaskRequest, context: RunContext) => unknown = ({ prompt }) => `${prompt}!`,
) {
  const asked: TaskRequest[] = [];
  const runner: TaskRunner = {
    name: 'counting',
    settings: { model: 'm' },
    async run(given, context) {
      asked.push(given);
      const output = await work(given, context);
      const usage = { inputTokens: 7, outputTokens: 3 };
      return { output, usage, costUsd: 0.01, model: 'm-1', requestId: 'r' } satisfies TaskOutput;
    },
  };
  return { runner, asked };
}

const free = { usage: { inputTokens: 0, outputTokens: 0 }, costUsd: 0 };

describe('a repeated request', () => {
  test('gets the stored response at no cost, and a notice is logged', async () => {
    const { runner, asked } = counting();
    const cached = cache(runner, memoryStore());
    expect(await cached.run(request('a'), attempt())).toMatchObject({
      output: 'a!',
      costUsd: 0.01,
    });
    const context = attempt();
    expect(await cached.run(request('a'), context)).toEqual({
      output: 'a!',
      ...free,
      cached: true,
      model: 'm-1',
    });
    expect(context.emitted).toEqual([
      { kind: 'notice', source: 'cache', message: 'response from the cache' },
      'a!',
    ]);
    expect(asked).toHaveLength(1);
  });

  test('is recognised for any task and any order of its fields', async () => {
    const { runner, asked } = counting();
    const cached = cache(runner, memoryStore());
    await cached.run({ ...request('a'), metadata: { x: 1, y: 2 } }, attempt());
    await cached.run({ ...request('a'), taskId: 'b', metadata: { y: 2, x: 1 } }, attempt());
    expect(asked).toHaveLength(1);
  });

  test.each<[string, Partial<TaskRequest>]>([
    ['prompt', { prompt: 'b' }],
    ['schema', { outputSchema: { type: 'string' } }],
    ['type', { type: 'decision' }],
    ['metadata', { metadata: { effort: 'high' } }],
    ['inputs', { inputs: { a: 1 } }],
  ])('is another one with another %s', async (_, change) => {
    const { runner, asked } = counting();
    const cached = cache(runner, memoryStore());
    await cached.run(request('a'), attempt());
    await cached.run({ ...request('a'), ...change }, attempt());
    expect(asked).toHaveLength(2);
  });

  test('is the same with other values of inputs that its prompt does not show', async () => {
    const rows = Array.from({ length: 100 }, (_, n) => `row ${n}`);
    const planOf = (list: readonly string[]) =>
      createPlan('x')
        .addTask({ id: 'list', run: () => list })
        .addTask({
          id: 'read',
          description: 'Read {{item}}.',
          forEach: 'list',
          dependencies: ['list'],
        });
    for (const [readsInputs, expected] of [
      [false, 1],
      [true, 100],
    ] as const) {
      const { runner, asked } = counting();
      const cached = cache({ ...runner, readsInputs }, memoryStore());
      const executor = createExecutor({ strategy: inOrder, runner: cached });
      await executor.execute(planOf(rows)).orThrow();
      asked.length = 0;
      const result = await executor.execute(planOf(rows.with(42, 'another'))).orThrow();
      expect(asked).toHaveLength(expected);
      expect(result.tasks.filter((task) => task.cached)).toHaveLength(100 - expected);
    }
  });

  test('is not recognised for a runner of another name, model or setting', async () => {
    const store = memoryStore();
    const runners = [{}, { name: 'other' }, { settings: { model: 'n' } }, { resource: 'x/y' }].map(
      (change) => {
        const { runner, asked } = counting();
        return { cached: cache({ ...runner, ...change }, store), asked };
      },
    );
    for (const { cached } of runners) await cached.run(request('a'), attempt());
    expect(runners.map(({ asked }) => asked.length)).toEqual([1, 1, 1, 1]);
  });

  test('adds no cost to the metrics of a run', async () => {
    const { runner } = counting();
    const executor = createExecutor({ strategy: inOrder, runner: cache(runner, memoryStore()) });
    const plan = createPlan('x').addTask({ id: 'a', description: 'Say a.' });
    const [first, second] = [await executor.execute(plan), await executor.execute(plan)];
    expect(first.metrics).toMatchObject({ costUsd: 0.01, usage: { inputTokens: 7 } });
    expect(second.outputs).toEqual(first.outputs);
    expect(second.metrics).toMatchObject({ costUsd: 0, usage: { inputTokens: 0 } });
  });
});

describe('cached()', () => {
  test('finds the stored answer to a request, and sends nothing', async () => {
    const { runner, asked } = counting();
    const cached = cache(runner, memoryStore());
    expect(await cached.cached?.(request('a'))).toBeUndefined();
    await cached.run(request('a'), attempt());
    expect(await cached.cached?.(request('a'))).toMatchObject({ output: 'a!' });
    expect(await cached.cached?.(request('b'))).toBeUndefined();
    const tools = [{ name: 't', description: 't', inputSchema: {} }] as never;
    expect(await cached.cached?.({ ...request('a'), tools })).toBeUndefined();
    const check = async () => 'does not match';
    expect(await cached.cached?.({ ...request('a'), check })).toBeUndefined();
    expect(asked).toHaveLength(1);
  });

  test('finds it through the wrappers around the cache', async () => {
    const { runner } = counting();
    const inner = cache({ ...runner, supportedOptions: ['temperature'] }, memoryStore());
    const wrapped = rateLimit(withOptions(inner, { temperature: 1 }), { requestsPerMinute: 60 });
    await wrapped.run(request('a'), attempt());
    expect(await wrapped.cached?.(request('a'))).toMatchObject({ output: 'a!' });
    expect(await inner.cached?.(request('a'))).toBeUndefined();
    expect(rateLimit(runner, { requestsPerMinute: 60 })).not.toHaveProperty('cached');
  });
});

describe('the cache does not keep', () => {
  test('failures', async () => {
    let calls = 0;
    const { runner } = counting(() => {
      if (++calls === 1) throw new RunnerError('server_error', 'no');
      return 'yes';
    });
    const cached = cache(runner, memoryStore());
    await expect(cached.run(request('a'), attempt())).rejects.toMatchObject({
      code: 'server_error',
    });
    expect((await cached.run(request('a'), attempt())).output).toBe('yes');
  });

  test('outputs that do not match the schema, nor return them later', async () => {
    const { runner, asked } = counting(() => 'text');
    const cached = cache(runner, memoryStore());
    const wanting = { ...request('a'), check: async () => 'not that' };
    await cached.run(wanting, attempt());
    await cached.run(wanting, attempt());
    expect(asked).toHaveLength(2);
    await cached.run(request('a'), attempt());
    await cached.run(wanting, attempt());
    expect(asked).toHaveLength(4);
  });

  test('tasks with tools, unless withTools is set', async () => {
    const tools = [
      { name: 't', description: 't', inputSchema: {}, call: () => Promise.reject(new Error()) },
    ];
    for (const [withTools, times] of [
      [false, 2],
      [true, 1],
    ] as const) {
      const { runner, asked } = counting();
      const cached = cache(runner, memoryStore(), { withTools });
      await cached.run({ ...request('a'), tools }, attempt());
      await cached.run({ ...request('a'), tools }, attempt());
      expect(asked).toHaveLength(times);
    }
  });

  test('requests that JSON cannot represent', async () => {
    const { runner, asked } = counting(() => 'x');
    const cached = cache({ ...runner, readsInputs: true }, memoryStore());
    const context = attempt();
    for (let time = 0; time < 2; time++) {
      await cached.run({ ...request('a'), inputs: { map: new Map() } }, context);
    }
    expect(asked).toHaveLength(2);
    expect(context.emitted[0]).toMatchObject({ message: expect.stringContaining('a Map') });
  });

  test('responses for longer than ttlMs', async () => {
    vi.useFakeTimers();
    const { runner, asked } = counting();
    const cached = cache(runner, memoryStore(), { ttlMs: 1_000 });
    await cached.run(request('a'), attempt());
    vi.advanceTimersByTime(999);
    await cached.run(request('a'), attempt());
    expect(asked).toHaveLength(1);
    vi.advanceTimersByTime(1);
    await cached.run(request('a'), attempt());
    expect(asked).toHaveLength(2);
    vi.useRealTimers();
  });
});

describe('equal requests at the same time', () => {
  /** Answers when it is told to. */
  function gated() {
    let open = (_: unknown) => {};
    let fail = (_: unknown) => {};
    const answer = new Promise((resolve, reject) => {
      open = resolve;
      fail = reject;
    });
    let signal: AbortSignal | undefined;
    const counted = counting((_, context) => {
      signal = context.signal;
      return answer;
    });
    return { ...counted, open, fail, signal: () => signal };
  }
  const soon = () => new Promise((resolve) => setTimeout(resolve, 5));

  test('are sent once, and only the first is charged', async () => {
    const { runner, asked, open } = gated();
    const cached = cache(runner, memoryStore());
    const answers = ['a', 'b', 'c'].map((taskId) =>
      cached.run({ ...request('x'), taskId }, attempt({ taskId })),
    );
    await soon();
    open('answer');
    const [first, ...others] = await Promise.all(answers);
    expect(first).toMatchObject({ output: 'answer', costUsd: 0.01 });
    for (const other of others) expect(other).toMatchObject({ output: 'answer', ...free });
    expect(asked).toHaveLength(1);
  });

  test('fail together, each with its own error, and the usage is counted once', async () => {
    const { runner, fail } = gated();
    const cached = cache(runner, memoryStore());
    const answers = [1, 2].map(() => cached.run(request('x'), attempt()).catch((e) => e));
    await soon();
    const usage = { inputTokens: 5, outputTokens: 0 };
    fail(new RunnerError('rate_limited', 'later', { retryAfterMs: 9, usage }));
    const [first, second] = await Promise.all(answers);
    expect(first).toMatchObject({ code: 'rate_limited', usage });
    expect(second).toMatchObject({ code: 'rate_limited', retryAfterMs: 9 });
    expect(second.usage).toBeUndefined();
    expect(second).not.toBe(first);
  });

  test('that fail after the first was aborted report their usage once', async () => {
    const { runner, fail } = gated();
    const cached = cache(runner, memoryStore());
    const stop = new AbortController();
    const answers = [stop.signal, undefined, undefined].map((signal) =>
      cached.run(request('x'), attempt({ ...(signal && { signal }) })).catch((e) => e),
    );
    await soon();
    stop.abort();
    const usage = { inputTokens: 5, outputTokens: 0 };
    fail(new RunnerError('refused', 'no', { usage }));
    const [, second, third] = await Promise.all(answers);
    expect([second, third]).toMatchObject([{ code: 'refused', usage }, { code: 'refused' }]);
    expect(third.usage).toBeUndefined();
  });

  test('continue when the first is aborted, and are aborted when all are', async () => {
    const { runner, asked, open, signal } = gated();
    const store = memoryStore();
    const cached = cache(runner, store);
    const controllers = [new AbortController(), new AbortController(), new AbortController()];
    const answers = controllers.map((controller) =>
      cached.run(request('x'), attempt({ signal: controller.signal })).catch((e) => e),
    );
    await soon();
    controllers[0]?.abort();
    expect(await answers[0]).toMatchObject({ code: 'aborted' });
    expect(signal()?.aborted).toBe(false);
    // One that comes now joins those that wait.
    const late = cached.run(request('x'), attempt());
    await soon();
    open('answer');
    // What the request used is still counted once.
    expect(await answers[1]).toMatchObject({ output: 'answer', costUsd: 0.01 });
    for (const answer of [answers[2], late]) {
      expect(await answer).toMatchObject({ output: 'answer', ...free });
    }
    expect(asked).toHaveLength(1);
    expect((await cached.run(request('x'), attempt())).output).toBe('answer');

    const hanging = gated();
    const stop = new AbortController();
    const all = [1, 2].map(() =>
      cache(hanging.runner, memoryStore())
        .run(request('y'), attempt({ signal: stop.signal }))
        .catch((e) => e),
    );
    await soon();
    stop.abort();
    for (const answer of all) expect(await answer).toMatchObject({ code: 'aborted' });
    expect(hanging.signal()?.aborted).toBe(true);
  });
});

test('a failing store is bypassed, and a notice is logged', async () => {
  const { runner, asked } = counting();
  const broken: CacheStore = {
    get: () => Promise.reject(new Error('no connection')),
    set: () => Promise.reject(new Error('disk full')),
  };
  const context = attempt();
  expect((await cache(runner, broken).run(request('a'), context)).output).toBe('a!');
  expect(context.emitted).toMatchObject([
    { message: 'could not read from the cache: no connection' },
    { message: 'could not store the response: disk full' },
  ]);
  expect(asked).toHaveLength(1);
});

test.each([
  ['null', null],
  ['a text', '{"output":"old"}'],
  ['something else', { output: 'old' }],
  ['no output', { storedAt: 1 }],
])('a store that returns %s has no response', async (_, given) => {
  const { runner, asked } = counting();
  const odd: CacheStore = { get: async () => given as never, set: async () => {} };
  const context = attempt();
  expect((await cache(runner, odd).run(request('a'), context)).output).toBe('a!');
  expect(context.emitted).toEqual([]);
  expect(asked).toHaveLength(1);
});

test('a runner that resolves to undefined fails the attempt', async () => {
  const nothing = { name: 'nothing', run: async () => undefined as never };
  await expect(cache(nothing, memoryStore()).run(request('a'), attempt())).rejects.toMatchObject({
    code: 'invalid_output',
    message: expect.stringContaining('"nothing"'),
  });
});

describe('memoryStore', () => {
  test('evicts the least recently used response', async () => {
    const store = memoryStore({ maxEntries: 2 });
    const answer = (output: unknown) => ({ output, storedAt: 1 });
    await store.set('a', answer('a'));
    await store.set('b', answer('b'));
    await store.get('a');
    await store.set('c', answer('c'));
    const kept = await Promise.all(['a', 'b', 'c'].map((key) => store.get(key)));
    expect(kept.map((each) => each?.output)).toEqual(['a', undefined, 'c']);
  });

  test('is not affected by later changes to what it stored or returned', async () => {
    const store = memoryStore();
    const output = { list: [1] };
    await store.set('a', { output, storedAt: 1 });
    output.list.push(2);
    const first = (await store.get('a')) as { output: typeof output };
    first.output.list.push(3);
    expect((await store.get('a'))?.output).toEqual({ list: [1] });
  });

  test.each([[{ maxEntries: 0 }], [{ size: 5 }]])('refuses %j', (options) => {
    expect(() => memoryStore(options as never)).toThrow('memoryStore()');
  });
});

describe('a store that never answers', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const never = () => new Promise<never>(() => {});

  test.each<[string, Partial<CacheStore>]>([
    ['to get', { get: never }],
    ['to set', { set: never }],
    ['to either', { get: never, set: never }],
  ])('%s is treated as one that fails', async (_, methods) => {
    const { runner } = counting();
    const store = { ...memoryStore(), ...methods };
    const context = attempt();
    const answer = cache(runner, store, { storeTimeoutMs: 300 }).run(request('a'), context);
    await vi.advanceTimersByTimeAsync(600);
    expect((await answer).output).toBe('a!');
    const notices = Object.keys(methods).map((method) =>
      expect.objectContaining({
        message: `could not ${method === 'get' ? 'read from the cache' : 'store the response'}: the store did not answer within 300 ms`,
      }),
    );
    expect(context.emitted).toEqual(notices);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('has five seconds, and its later answer changes nothing', async () => {
    const { runner, asked } = counting();
    const late = (key: string) =>
      new Promise<never>((_, reject) => setTimeout(() => reject(new Error(key)), 9_000));
    const answer = cache(runner, { ...memoryStore(), get: late }).run(request('a'), attempt());
    await vi.advanceTimersByTimeAsync(4_999);
    expect(asked).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(10_000);
    expect((await answer).output).toBe('a!');
  });

  test('does not keep an aborted attempt', async () => {
    const { runner, asked } = counting();
    const stop = new AbortController();
    const context = attempt({ signal: stop.signal });
    const answer = cache(runner, { ...memoryStore(), get: never }).run(request('a'), context);
    stop.abort();
    await expect(answer).rejects.toMatchObject({ code: 'aborted' });
    expect([asked, context.emitted]).toEqual([[], []]);
  });

  test.each([0, -1, Number.NaN, '5'])('storeTimeoutMs: %s is refused', (storeTimeoutMs) => {
    const options = { storeTimeoutMs } as CacheOptions;
    expect(() => cache(counting().runner, memoryStore(), options)).toThrow('storeTimeoutMs');
  });
});

describe('fileStore', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stratagem-cache-'));
  });
  afterEach(() => rm(folder, { recursive: true }));
  const fileOf = (directory: string) => join(directory, 'ab', 'abc.json');

  test('stores responses for other processes, readable only by their owner', async () => {
    const directory = join(folder, 'deep', 'cache');
    const answer = {
      ...{ output: { list: [1, null, 'x'] }, model: 'm', storedAt: 5 },
      citations: [{ url: 'https://example.com' }] as never,
      serverToolCalls: [{ name: 'web_search' }] as never,
    };
    await fileStore(directory).set('abc', answer);
    expect(await fileStore(directory).get('abc')).toEqual(answer);
    expect(await fileStore(directory).get('abd')).toBeUndefined();
    expect((await stat(fileOf(directory))).mode & 0o777).toBe(0o600);
    expect((await stat(join(directory, 'ab'))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(directory, 'ab'))).toEqual(['abc.json']);
  });

  test.each([
    ['cut off', '{"version":1,"key":"abc","out'],
    ['of another version', '{"version":2,"key":"abc","output":1,"storedAt":1}'],
    ['of another key', '{"version":1,"key":"xyz","output":1,"storedAt":1}'],
    ['of something else', '[]'],
  ])('takes a file that is %s for none, and replaces it', async (_, text) => {
    const store = fileStore(folder);
    await store.set('abc', { output: 1, storedAt: 1 });
    await writeFile(fileOf(folder), text);
    expect(await store.get('abc')).toBeUndefined();
    await store.set('abc', { output: 2, storedAt: 1 });
    expect(await store.get('abc')).toMatchObject({ output: 2 });
  });

  test.each([
    ['a date', { at: new Date() }],
    ['nothing', undefined],
    ['a field without a value', { a: undefined }],
    ['a number that is none', Number.NaN],
    ['a big number', 1n],
    ['a circle', Object.assign([] as unknown[], { 0: 1 }).concat([[]])],
  ])('keeps nothing that JSON would change: %s', async (name, output) => {
    const circle: unknown[] = [];
    circle.push(circle);
    const given = name === 'a circle' ? circle : output;
    const { runner, asked } = counting(() => given);
    const cached = cache(runner, fileStore(folder));
    const context = attempt();
    for (let time = 0; time < 2; time++) await cached.run(request('a'), context);
    expect(asked).toHaveLength(2);
    expect(context.emitted[0]).toMatchObject({
      message: expect.stringContaining('could not store the response: output'),
    });
    expect(await readdir(folder)).toEqual([]);
  });

  test('stores no part of the request', async () => {
    const { runner } = counting(() => 'fine');
    await cache(runner, fileStore(folder)).run(request('the secret plan'), attempt());
    const [inner = ''] = await readdir(folder);
    const [file = ''] = await readdir(join(folder, inner));
    expect(await readFile(join(folder, inner, file), 'utf8')).not.toContain('secret');
  });

  test('can be used by many requests at once', async () => {
    const store = fileStore(folder);
    await Promise.all(
      Array.from({ length: 40 }, (_, index) => store.set('abc', { output: index, storedAt: 1 })),
    );
    expect(await store.get('abc')).toMatchObject({ output: expect.any(Number) });
    expect(await readdir(join(folder, 'ab'))).toEqual(['abc.json']);
  });

  test('removes what killed processes have left, and nothing else', async () => {
    const inner = join(folder, 'ab');
    const id = '0b7c2b52-6f0e-4c5e-9d4c-0d1c6a3f9a11';
    const names = [`abc.json.${id}`, `abd.json.${id}`, 'abe.json', `notes.${id}`];
    await mkdir(inner, { recursive: true });
    for (const name of names) await writeFile(join(inner, name), '{');
    const old = new Date(Date.now() - 2 * 3_600_000);
    for (const name of names) {
      // Another process may be writing the second one now.
      if (!name.startsWith('abd')) await utimes(join(inner, name), old, old);
    }
    await fileStore(folder).set('abc', { output: 1, storedAt: 1 });
    expect((await readdir(inner)).sort()).toEqual(
      ['abc.json', `abd.json.${id}`, 'abe.json', `notes.${id}`].sort(),
    );
  });

  test('needs a directory', () => {
    expect(() => fileStore('')).toThrow('fileStore() needs the path of a directory');
  });
});

describe('it passes the conformance suite', () => {
  const fresh = () => cache(simulated({ latencyMs: 1 }), memoryStore());
  const cases = runnerConformance(fresh, {
    failing: () => cache(simulated({ latencyMs: 1, failureRate: 1 }), memoryStore()),
    hanging: () => cache(simulated({ latencyMs: 60_000 }), memoryStore()),
  });
  for (const { name, run } of cases) test(name, run);
});

test.each<[unknown[], string]>([
  [[undefined, memoryStore()], 'its first argument must be a TaskRunner'],
  [[simulated(), {}], 'its second argument must be a store'],
  [
    [simulated(), memoryStore(), { ttl: 5 }],
    'cache() has no option "ttl". It takes ttlMs, withTools, storeTimeoutMs.',
  ],
  [[simulated(), memoryStore(), { ttlMs: -1 }], 'ttlMs must be a positive number'],
  [[simulated(), memoryStore(), { withTools: 1 }], 'withTools must be true or false'],
])('cache() refuses what makes no sense: %#', (given, message) => {
  const [runner, store, options] = given as [TaskRunner, CacheStore, CacheOptions];
  expect(() => cache(runner, store, options)).toThrow(message);
});
