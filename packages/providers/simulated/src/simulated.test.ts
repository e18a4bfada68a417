import {
  createExecutor,
  createPlan,
  OptionError,
  type Plan,
  RunnerError,
  type RunOptions,
  type Strategy,
  type TaskRunner,
  type TaskView,
} from '@stratagem/core';
import { attempt, request } from '@stratagem/test-kit';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type SimulatedOptions, simulated } from './index.js';

/** Everything that is ready, at once. */
const atOnce: Strategy = {
  name: 'at-once',
  maxParallel: Number.POSITIVE_INFINITY,
  begin() {
    const ready: TaskView[] = [];
    return { ready: (task) => void ready.push(task), next: () => ready.shift() };
  },
};

function batch(size: number): Plan {
  const tasks = Array.from({ length: size }, (_, n) => ({ id: `t${n}`, description: `Task ${n}` }));
  return { goal: 'batch', tasks };
}

/** Runs a plan in virtual time. */
async function play(options: SimulatedOptions, plan: Plan = batch(1), run: RunOptions = {}) {
  const retry = { maxAttempts: 1 };
  const executor = createExecutor({ strategy: atOnce, runner: simulated(options), retry });
  const result = executor.execute(plan, run);
  await vi.runAllTimersAsync();
  return await result;
}

interface Question {
  taskId?: string;
  description?: string;
  inputs?: Record<string, unknown>;
  attempt?: number;
  signal?: AbortSignal;
  emit?: (text: string) => void;
}

/** Asks the runner itself, as an executor would. */
function ask(runner: TaskRunner, question: Question = {}) {
  const { taskId = 'a', description = 'Look', inputs = {}, emit, ...surroundings } = question;
  const context = attempt({ taskId, ...surroundings });
  return runner.run(
    request(description, { taskId, inputs }),
    emit === undefined
      ? context
      : { ...context, emit: (part) => void emit(part as string) as undefined },
  );
}

/** What an answer, or the error in its place, came to after the given time. */
async function after<T>(ms: number, answer: Promise<T>): Promise<T | RunnerError> {
  const settled = answer.catch((error: RunnerError) => error);
  await vi.advanceTimersByTimeAsync(ms);
  return await settled;
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  // Whatever happened to a request, it leaves nothing that would keep a process alive.
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe('the output', () => {
  test('names the task and its inputs', async () => {
    const plan = createPlan('Report')
      .addTask({ id: 'a', description: 'Gather data.' })
      .addTask({ id: 'b', description: 'Ask people' })
      .addTask({ id: 'c', description: 'Write it up', dependencies: ['a', 'b'] });
    const { outputs } = await play({}, plan as Plan);
    expect(outputs.a).toMatch(/^Simulated answer to "Gather data"\. \S/);
    expect(outputs.c).toMatch(/^Simulated answer to "Write it up", based on a and b\. \S/);
  });

  test('stays short for a long task or many inputs', async () => {
    const runner = simulated({ latencyMs: 0 });
    const { output: long } = await ask(runner, { description: 'First.\n\nSecond. '.repeat(9_999) });
    expect(long).toMatch(/^Simulated answer to "First\. Second\. .{80,120}…"\. [^\n]+$/);
    const inputs = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`t${n}`, n]));
    const { output: wide } = await ask(runner, { inputs });
    expect(wide).toContain('based on t0, t1, t2, t3, t4 and 35 more. ');
  });

  test('is the value or promise that respond returns', async () => {
    const { outputs } = await play({ respond: ({ description }) => ({ heard: description }) });
    expect(outputs.t0).toEqual({ heard: 'Task 0' });
    const promised = await play({ respond: async () => 10n });
    expect(promised.outputs.t0).toBe(10n);
  });

  test('is the error that respond throws, and the request is no longer in flight', async () => {
    let calls = 0;
    const respond = () => {
      if (++calls === 1) throw new RunnerError('refused', 'not that');
      return 'fine';
    };
    const runner = simulated({ respond, maxConcurrent: 1, latencyMs: 0 });
    await expect(ask(runner)).rejects.toMatchObject({ code: 'refused' });
    expect(await ask(runner)).toMatchObject({ output: 'fine' });
  });

  test.each([
    ['sentences', 5, 'One two. Three four! Five?'],
    ['punctuation around words', 7, '\n ...3.5, "yes." \n\n- and (so on)  '],
    ['a long text', 8, 'word '.repeat(800)],
    ['one word', 1, 'yes'],
    ['only spaces', 1, '  '],
    ['nothing', 0, ''],
  ])('is streamed in pieces that add up to it: %s', async (_, count, answer) => {
    const { timeline } = await play({ respond: () => answer });
    const pieces = timeline.flatMap((event) =>
      event.type === 'task_output' && event.kind === 'text' ? event.text : [],
    );
    expect(pieces.join('')).toBe(answer);
    expect(pieces).toHaveLength(count);
  });

  test('is streamed over the latency, or returned in one piece with stream: false', async () => {
    const pieces: string[] = [];
    const emit = (text: string) => void pieces.push(text);
    const respond = () => 'a b c d e f g h';
    const answer = ask(simulated({ latencyMs: 800, respond }), { emit });
    await vi.advanceTimersByTimeAsync(450);
    expect(pieces).toHaveLength(4);
    const { output } = (await after(350, answer)) as { output: string };
    expect(pieces.join('')).toBe(output);

    const whole = await play({ stream: false });
    expect(whole.timeline.some((event) => event.type === 'task_output')).toBe(false);
    expect(whole.outputs.t0).toMatch(/^Simulated answer/);
  });
});

describe('randomness', () => {
  test('depends only on the seed, for any order of tasks', async () => {
    const options = { failureRate: 0.3, latencyMs: { medianMs: 50, sigma: 1 } };
    const account = async (seed: number, order: (plan: Plan) => Plan) => {
      const { tasks } = await play({ ...options, seed }, order(batch(30)));
      return tasks
        .map(({ id, status, output, durationMs = 0 }) =>
          [id, status, output, Math.round(durationMs)].join(),
        )
        .sort();
    };
    const reversed = ({ goal, tasks }: Plan) => ({ goal, tasks: tasks.toReversed() });
    const first = await account(3, (plan) => plan);
    expect(await account(3, reversed)).toEqual(first);
    expect(await account(4, (plan) => plan)).not.toEqual(first);
  });

  test('gives the same text for any latency and failure rate', async () => {
    const plain = await play({ latencyMs: 5 }, batch(20));
    const other = await play({ latencyMs: { medianMs: 9, sigma: 2 }, failureRate: 0.5 }, batch(20));
    const completed = other.tasks.filter((task) => task.status === 'completed');
    expect(completed.length).toBeGreaterThan(0);
    for (const { id, output } of completed) expect(output).toBe(plain.outputs[id]);
  });

  test('differs between attempts, so that a retry can succeed', async () => {
    const runner = simulated({ failureRate: 0.5, latencyMs: 0 });
    const attempts = Array.from({ length: 40 }, (_, n) => ask(runner, { attempt: n + 1 }));
    const outcomes = (await Promise.allSettled(attempts)).map(({ status }) => status);
    expect(new Set(outcomes)).toEqual(new Set(['fulfilled', 'rejected']));
  });
});

test('a request takes a fixed time, or a time distributed around the median', async () => {
  const fixed = await play({ latencyMs: 250 }, batch(20));
  for (const task of fixed.tasks) expect(Math.round(task.durationMs ?? 0)).toBe(250);

  const spread = await play({ latencyMs: { medianMs: 200, sigma: 0.5 } }, batch(400));
  const durations = spread.tasks.map((task) => task.durationMs ?? 0).sort((a, b) => a - b);
  expect(durations[200]).toBeGreaterThan(170);
  expect(durations[200]).toBeLessThan(230);
  expect(durations[399]).toBeGreaterThan(500);
  expect(durations[0]).toBeLessThan(90);
});

test('a request may take longer than the longest timer', async () => {
  const month = 30 * 24 * 60 * 60 * 1_000;
  let ended = false;
  const answer = ask(simulated({ latencyMs: month, stream: false })).then(() => {
    ended = true;
  });
  await vi.advanceTimersByTimeAsync(month - 1);
  expect(ended).toBe(false);
  await after(1, answer);
  expect(ended).toBe(true);
});

test('requests fail as often as failureRate, with failureCode', async () => {
  const none = await play({}, batch(50));
  expect(none.metrics.failedTasks).toBe(0);
  const some = await play({ failureRate: 0.3, failureCode: 'overloaded' }, batch(500));
  expect(some.metrics.failedTasks).toBeGreaterThan(110);
  expect(some.metrics.failedTasks).toBeLessThan(190);
  const codes = new Set(some.tasks.map((task) => task.error?.code));
  expect(codes).toEqual(new Set([undefined, 'overloaded']));
  const all = await play({ failureRate: 1 }, batch(50));
  expect(all.metrics.failedTasks).toBe(50);
  expect(all.tasks[0]?.error?.code).toBe('server_error');
});

describe('the limits', () => {
  test('refuse requests over the rate, with the exact time to wait', async () => {
    const runner = simulated({ requestsPerMinute: 3, latencyMs: 10 });
    for (let n = 0; n < 3; n++) expect(await after(20, ask(runner))).toHaveProperty('output');
    const refused = (await after(20, ask(runner))) as RunnerError;
    expect(refused).toMatchObject({ code: 'rate_limited', status: 429, retryAfterMs: 59_940 });
    await vi.advanceTimersByTimeAsync(59_940 - 20 - 1);
    expect(await after(0, ask(runner))).toMatchObject({ code: 'rate_limited', retryAfterMs: 1 });
    await vi.advanceTimersByTimeAsync(1);
    expect(await after(20, ask(runner))).toHaveProperty('output');
  });

  test('permit the whole rate in every minute', async () => {
    const runner = simulated({ requestsPerMinute: 100, latencyMs: 0 });
    for (let minute = 0; minute < 4; minute++) {
      const answers = await Promise.allSettled(Array.from({ length: 150 }, () => ask(runner)));
      expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(100);
      await vi.advanceTimersByTimeAsync(60_000);
    }
  });

  test('refuse requests over the concurrency, with the time until a place should be free', async () => {
    const runner = simulated({ maxConcurrent: 2, latencyMs: 100 });
    const first = ask(runner);
    await vi.advanceTimersByTimeAsync(30);
    const second = ask(runner);
    const third = (await after(0, ask(runner))) as RunnerError;
    expect(third).toMatchObject({ code: 'rate_limited', status: 429, retryAfterMs: 70 });
    await after(70, first);
    const fourth = ask(runner);
    await expect(ask(runner)).rejects.toMatchObject({ retryAfterMs: 30 });
    await after(100, Promise.all([second, fourth]));
  });

  test('apply to all tasks of a run together', async () => {
    const { tasks } = await play({ maxConcurrent: 4 }, batch(10));
    const refused = tasks.filter((task) => task.error?.code === 'rate_limited');
    expect(refused).toHaveLength(6);
    const chain = await play({ maxConcurrent: 1 }, batch(5), { maxParallel: 1 });
    expect(chain.status).toBe('completed');
  });

  test('release the places of requests that fail or are aborted', async () => {
    const failing = simulated({ maxConcurrent: 1, failureRate: 1, latencyMs: 5 });
    for (let n = 0; n < 3; n++) {
      expect(await after(5, ask(failing))).toMatchObject({ code: 'server_error' });
    }
    const runner = simulated({ maxConcurrent: 1, latencyMs: 50 });
    const abort = new AbortController();
    const stopped = ask(runner, { signal: abort.signal });
    abort.abort();
    await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
    const next = ask(runner);
    // The one that was aborted is not waited for: only the one that runs is.
    await vi.advanceTimersByTimeAsync(20);
    await expect(ask(runner)).rejects.toMatchObject({ retryAfterMs: 30 });
    await after(30, next);
  });
});

test('tokens are estimated from the length of the texts, and a cost is reported with a price', async () => {
  const respond = () => 'x'.repeat(400);
  const free = await play({ respond });
  expect(free.metrics.usage).toMatchObject({ inputTokens: 2, outputTokens: 100 });
  expect(free.metrics.costUsd).toBeNull();
  const paid = await play({ respond, pricePerMillionTokens: { inputUsd: 1, outputUsd: 10 } });
  expect(paid.metrics.costUsd).toBeCloseTo(0.001002);
});

test('the model has a name', async () => {
  const { timeline } = await play({ model: 'tiny' });
  expect(timeline.find((event) => event.type === 'task_completed')).toMatchObject({
    model: 'tiny',
  });
  expect(simulated({ model: 'tiny' }).resource).toBe('simulated/tiny');
});

describe('when it is aborted', () => {
  test.each([
    ['while it works', {}],
    ['while it is about to fail', { failureRate: 1 }],
    ['while an answer that never comes is awaited', { respond: () => new Promise(() => {}) }],
  ])('a request rejects at once, with the reason: %s', async (_, options: SimulatedOptions) => {
    const abort = new AbortController();
    const answer = ask(simulated({ latencyMs: 10_000, ...options }), { signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(answer).rejects.toMatchObject({ code: 'aborted', cause: { message: 'enough' } });
  });

  test('no further output arrives', async () => {
    const abort = new AbortController();
    const emit = vi.fn();
    const runner = simulated({ latencyMs: 800, respond: () => 'a b c d e f g h' });
    const answer = ask(runner, { signal: abort.signal, emit });
    await vi.advanceTimersByTimeAsync(250);
    abort.abort();
    expect(await after(10_000, answer)).toMatchObject({ code: 'aborted' });
    expect(emit).toHaveBeenCalledTimes(2);
  });

  test('a request that was not sent counts against no limit', async () => {
    const respond = vi.fn(() => 'x');
    const runner = simulated({ requestsPerMinute: 1, latencyMs: 0, respond });
    await expect(ask(runner, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'aborted',
    });
    expect(respond).not.toHaveBeenCalled();
    expect(await ask(runner)).toHaveProperty('output');
  });
});

describe('options', () => {
  test.each([
    [{ latency: 5 }, 'simulated() has no option "latency". Did you mean "latencyMs"?'],
    [{ latencyMs: -1 }, 'latencyMs must be a number of at least 0; it is -1'],
    [{ latencyMs: null }, 'latencyMs must be a number of at least 0; it is null'],
    [{ latencyMs: { medianMs: 5, sigma: -1 } }, 'latencyMs.sigma must be a number of at least 0'],
    [{ latencyMs: { median: 5 } }, 'has no option "median". Did you mean "medianMs"?'],
    [{ failureRate: 1.5 }, 'failureRate must be a number from 0 to 1; it is 1.5'],
    [{ failureCode: 'boom' }, /failureCode must be one of .*rate_limited.*; it is boom/],
    [{ failureCode: 'toString' }, /failureCode must be one of/],
    [{ requestsPerMinute: 0 }, 'requestsPerMinute must be an integer ≥ 1'],
    [{ maxConcurrent: 0 }, 'maxConcurrent must be an integer ≥ 1'],
    [{ seed: Number.NaN }, 'seed must be a number; it is NaN'],
    [{ stream: 'yes' }, 'stream must be true or false'],
    [{ respond: 'x' }, 'respond must be a function'],
    [{ model: '' }, 'model must be a non-empty string'],
    [{ model: 5 }, 'model must be a non-empty string'],
    [{ pricePerMillionTokens: null }, 'pricePerMillionTokens takes an object'],
    [{ pricePerMillionTokens: { inputUSD: 1 } }, 'Did you mean "inputUsd"?'],
    [
      { pricePerMillionTokens: { inputUsd: -1, outputUsd: 1 } },
      'inputUsd must be a number of at least 0',
    ],
    [{ pricePerMillionTokens: { inputUsd: 1 } }, 'outputUsd must be a number of at least 0'],
    [
      { pricePerMillionTokens: { inputUsd: 1, outputUsd: 1, cachedInputUsd: -1 } },
      'cachedInputUsd must be a number of at least 0',
    ],
    [{ promptCache: true }, 'promptCache takes an object'],
    [{ promptCache: { ttl: 5 } }, 'promptCache has no option "ttl". It takes minTokens, ttlMs.'],
    [{ promptCache: { minTokens: 0 } }, 'minTokens must be an integer ≥ 1'],
    [{ promptCache: { ttlMs: 0 } }, 'ttlMs must be a positive number'],
  ])('are rejected when they are invalid: %j', (options, message) => {
    const create = () => simulated(options as SimulatedOptions);
    expect(create).toThrow(OptionError);
    expect(create).toThrow(message);
  });

  test('that are undefined count as missing', async () => {
    const { outputs, status } = await play({ latencyMs: undefined, model: undefined });
    expect(status).toBe('completed');
    expect(outputs).toEqual((await play({})).outputs);
  });
});
