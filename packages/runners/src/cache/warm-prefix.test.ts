import {
  createExecutor,
  type RunContext,
  RunnerError,
  type TaskRequest,
  type TaskRunner,
} from '@stratagem/core';
import { runnerConformance } from '@stratagem/core/testing';
import { parallel } from '@stratagem/parallel';
import { type SimulatedOptions, simulated } from '@stratagem/simulated';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { attempt, request } from '../../test/attempt.js';
import { type WarmPrefixOptions, warmPrefix } from './warm-prefix.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const long = 'The tide comes in and goes out. '.repeat(200);

/** A model that begins to answer after 100 ms and has answered after 300. */
function model(fails: (request: TaskRequest, call: number) => boolean = () => false) {
  const begun: string[] = [];
  const runner: TaskRunner = {
    name: 'model',
    async run(given, context) {
      begun.push(`${given.taskId}@${Math.round(performance.now())}`);
      const call = begun.length;
      await pause(100, context);
      if (fails(given, call)) throw new RunnerError('server_error', 'no');
      await context.emit('Well');
      await pause(200, context);
      return { output: 'Well' };
    },
  };
  return { runner, begun };
}

function pause(ms: number, { signal }: RunContext): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(new RunnerError('aborted', 'stopped'));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });
}

function ask(runner: TaskRunner, taskId: string, prompt: string, context = attempt({ taskId })) {
  return runner.run({ ...request(prompt), taskId }, context).catch((error) => error);
}

/** When each request was made, from the start of the test. */
async function startsOf(
  { runner, begun }: ReturnType<typeof model>,
  prompts: readonly string[],
  options: WarmPrefixOptions = {},
): Promise<[task: string, ms: number][]> {
  const began = performance.now();
  const warm = warmPrefix(runner, options);
  const answers = prompts.map((prompt, index) => ask(warm, `t${index}`, prompt));
  await vi.runAllTimersAsync();
  await Promise.all(answers);
  return begun.map((each) => {
    const [task = '', at] = each.split('@');
    return [task, Math.round(Number(at) - began)];
  });
}

const same = ['a', 'b', 'c'].map((end) => long + end);

describe('among prompts with the same prefix', () => {
  test.each([
    [undefined, 100],
    ['first_output', 100],
    ['answer', 300],
  ] as const)('one goes first, and the others when it is cached: %s', async (until, ms) => {
    expect(await startsOf(model(), same, until && { until })).toEqual([
      ['t0', 0],
      ['t1', ms],
      ['t2', ms],
    ]);
  });

  test('each prefix has its own first request, and short prompts never wait', async () => {
    const prompts = [long, `${long}!`, `Other. ${long}`, 'short', 'short', `Other. ${long}?`];
    expect(await startsOf(model(), prompts)).toEqual([
      ['t0', 0],
      ['t2', 0],
      ['t3', 0],
      ['t4', 0],
      ['t1', 100],
      ['t5', 100],
    ]);
  });

  test('the next request goes first when the first one fails', async () => {
    const failing = model((_, call) => call <= 2);
    expect(await startsOf(failing, [...same, `${long}d`])).toEqual([
      ['t0', 0],
      ['t1', 100],
      ['t2', 200],
      ['t3', 300],
    ]);
  });

  test('the length and the prefix can be configured', async () => {
    const prompts = ['question one: x', 'question one: y', 'question two: x'];
    expect(await startsOf(model(), prompts, { prefixLength: 8 })).toEqual([
      ['t0', 0],
      ['t1', 100],
      ['t2', 100],
    ]);
    const prefix = ({ prompt }: TaskRequest) => /question (\w+)/.exec(prompt)?.[1];
    expect(await startsOf(model(), [...prompts, 'none'], { prefix })).toEqual([
      ['t0', 0],
      ['t2', 0],
      ['t3', 0],
      ['t1', 100],
    ]);
  });

  test('one that waited logs a notice', async () => {
    const { runner } = model();
    const warm = warmPrefix(runner);
    const contexts = [attempt(), attempt()];
    const answers = contexts.map((context) => ask(warm, 'a', long, context));
    await vi.runAllTimersAsync();
    await Promise.all(answers);
    expect(contexts.map(({ emitted }) => emitted)).toEqual([
      ['Well'],
      [
        { kind: 'notice', source: 'warmPrefix', message: 'waited 100 ms for the prompt cache' },
        'Well',
      ],
    ]);
  });

  test('one that is aborted while it waits rejects at once', async () => {
    const { runner, begun } = model();
    const warm = warmPrefix(runner);
    const controller = new AbortController();
    const first = ask(warm, 'a', long);
    const second = ask(warm, 'b', long, attempt({ signal: controller.signal }));
    await vi.advanceTimersByTimeAsync(50);
    controller.abort();
    expect(await second).toMatchObject({ code: 'aborted' });
    await vi.runAllTimersAsync();
    await first;
    expect(begun).toHaveLength(1);
  });

  test('the next one goes first when the first is aborted', async () => {
    const { runner, begun } = model();
    const warm = warmPrefix(runner);
    const controller = new AbortController();
    const first = ask(warm, 'a', long, attempt({ signal: controller.signal }));
    const second = ask(warm, 'b', long);
    await vi.advanceTimersByTimeAsync(50);
    controller.abort();
    await vi.runAllTimersAsync();
    expect(await first).toMatchObject({ code: 'aborted' });
    expect(await second).toMatchObject({ output: 'Well' });
    expect(begun).toHaveLength(2);
  });
});

test('a prefix stays warm for ttlMs after its last use', async () => {
  const { runner, begun } = model();
  const warm = warmPrefix(runner, { ttlMs: 1_000 });
  const askAll = async () => {
    const before = begun.length;
    const answers = ['x', 'y'].map((id) => ask(warm, id, long));
    await vi.advanceTimersByTimeAsync(0);
    const atOnce = begun.length - before;
    await vi.advanceTimersByTimeAsync(600);
    await Promise.all(answers);
    return atOnce;
  };
  expect(await askAll()).toBe(1);
  await vi.advanceTimersByTimeAsync(300);
  expect(await askAll()).toBe(2);
  await vi.advanceTimersByTimeAsync(1_500);
  expect(await askAll()).toBe(1);
});

test('a prefix that goes cold during a response is warmed by the next request', async () => {
  const { runner, begun } = model();
  const warm = warmPrefix(runner, { ttlMs: 50 });
  const began = performance.now();
  const first = ask(warm, 'first', long);
  await vi.advanceTimersByTimeAsync(200);
  const others = ['second', 'third'].map((id) => ask(warm, id, long));
  await vi.runAllTimersAsync();
  expect(await Promise.all([first, ...others])).toMatchObject(Array(3).fill({ output: 'Well' }));
  const starts = begun.map((each) => Number(each.split('@')[1]) - Math.round(began));
  expect(starts).toEqual([0, 200, 300]);
});

describe('on a model with a prompt cache', () => {
  const price = { inputUsd: 3, outputUsd: 15, cachedInputUsd: 0.3 };
  const options: SimulatedOptions = {
    latencyMs: 1_000,
    promptCache: {},
    pricePerMillionTokens: price,
    respond: () => 'Fine.',
  };
  /** 20 tasks that share 10,000 tokens. */
  const tasks = Array.from({ length: 20 }, (_, index) => ({
    id: `t${index}`,
    description: `${'All that is known about tides. '.repeat(1_291)} Question ${index}?`,
  }));

  async function run(runner: TaskRunner) {
    const running = createExecutor({ strategy: parallel({ maxParallel: 20 }), runner })
      .execute({ goal: 'Ask', tasks })
      .result.then(({ metrics }) => metrics);
    await vi.runAllTimersAsync();
    return running;
  }

  test('nineteen of twenty tasks read the shared prefix from the cache at a lower price', async () => {
    const [plain, warm] = [
      await run(simulated(options)),
      await run(warmPrefix(simulated(options))),
    ];
    const shareOf = ({ usage }: typeof plain) => usage.cachedInputTokens / usage.inputTokens;
    expect(shareOf(plain)).toBe(0);
    expect(shareOf(warm)).toBeGreaterThan(0.94);
    expect(shareOf(warm)).toBeLessThan(0.95);
    expect((warm.costUsd ?? 0) / (plain.costUsd ?? 1)).toBeLessThan(0.16);
  });
});

describe('it passes the conformance suite', () => {
  beforeEach(() => void vi.useRealTimers());
  afterEach(() => void vi.useFakeTimers());
  const options = { prefixLength: 3 };
  const cases = runnerConformance(() => warmPrefix(simulated({ latencyMs: 1 }), options), {
    failing: () => warmPrefix(simulated({ latencyMs: 1, failureRate: 1 }), options),
    hanging: () => warmPrefix(simulated({ latencyMs: 60_000 }), options),
  });
  for (const { name, run } of cases) test(name, run);
});

test.each<[unknown, string]>([
  [{ prefixLength: 0 }, 'prefixLength must be an integer ≥ 1'],
  [{ prefix: 'x' }, 'prefix must be a function'],
  [{ until: 'soon' }, "until must be 'first_output' or 'answer'; it is soon"],
  [{ ttlMs: 0 }, 'ttlMs must be a positive number'],
  [{ length: 1 }, 'warmPrefix() has no option "length"'],
])('warmPrefix() refuses %j', (options, message) => {
  expect(() => warmPrefix(simulated(), options as WarmPrefixOptions)).toThrow(message);
});
