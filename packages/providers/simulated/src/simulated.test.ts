import {
  createExecutor,
  createPlan,
  OptionError,
  type Plan,
  RunnerError,
  type RunOptions,
  type Strategy,
  type TaskView,
} from '@stratagem/core';
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

async function play(options: SimulatedOptions, plan: Plan = batch(1), run: RunOptions = {}) {
  const result = createExecutor({ strategy: atOnce, runner: simulated(options) }).execute(
    plan,
    run,
  );
  await vi.runAllTimersAsync();
  return await result;
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe('simulated()', () => {
  test('answers with the task and the outputs it was given', async () => {
    const plan = createPlan('Report')
      .addTask({ id: 'a', description: 'Gather data' })
      .addTask({ id: 'b', description: 'Ask people' })
      .addTask({ id: 'c', description: 'Write it up', dependencies: ['a', 'b'] });
    const { outputs } = await play({}, plan as Plan);
    expect(outputs.a).toMatch(/^Simulated answer to "Gather data"\. \S/);
    expect(outputs.c).toMatch(/^Simulated answer to "Write it up", based on a and b\. \S/);
  });

  test('takes a fixed time, or a time with a spread around the median', async () => {
    const fixed = await play({ latencyMs: 250 }, batch(20));
    for (const task of fixed.tasks) expect(Math.round(task.durationMs ?? 0)).toBe(250);

    const spread = await play({ latencyMs: { medianMs: 200, sigma: 0.5 } }, batch(400));
    const durations = spread.tasks.map((task) => task.durationMs ?? 0).sort((a, b) => a - b);
    expect(durations[200]).toBeGreaterThan(170);
    expect(durations[200]).toBeLessThan(230);
    expect(durations[399]).toBeGreaterThan(500);
    expect(durations[0]).toBeLessThan(90);
  });

  test('does the same again for the same seed, in whatever order tasks run', async () => {
    const options = { seed: 3, failureRate: 0.3, latencyMs: { medianMs: 50, sigma: 1 } };
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

  test('fails as often and in the way it is told, and otherwise on another attempt', async () => {
    const none = await play({}, batch(50));
    expect(none.metrics.failedTasks).toBe(0);
    const some = await play({ failureRate: 0.3, failureCode: 'overloaded' }, batch(500));
    expect(some.metrics.failedTasks).toBeGreaterThan(110);
    expect(some.metrics.failedTasks).toBeLessThan(190);
    const codes = new Set(some.tasks.map((task) => task.error?.code));
    expect(codes).toEqual(new Set([undefined, 'overloaded']));
  });

  test('answers requests over its rate with the time to wait, which then is enough', async () => {
    const runner = simulated({ requestsPerMinute: 3, latencyMs: 10 });
    const request = (n: number) => {
      const { signal } = new AbortController();
      const context = { taskId: `${n}`, attempt: 1, signal, deadline: undefined, emit() {} };
      const base = {
        type: 'action' as const,
        prompt: 'x',
        description: 'x',
        inputs: {},
        metadata: {},
      };
      const answer = runner.run({ taskId: `${n}`, ...base }, context).catch((error) => error);
      return vi.advanceTimersByTimeAsync(20).then(() => answer);
    };
    for (let n = 0; n < 3; n++) expect(await request(n)).toHaveProperty('output');
    const refused = (await request(4)) as RunnerError;
    expect(refused).toMatchObject({ code: 'rate_limited', status: 429 });
    expect(refused.retryAfterMs).toBeGreaterThan(59_000);
    await vi.advanceTimersByTimeAsync((refused.retryAfterMs ?? 0) - 20);
    expect(await request(5)).toHaveProperty('output');
  });

  test('answers requests over its concurrency, and frees places as requests end', async () => {
    const { tasks } = await play({ maxConcurrent: 4 }, batch(10));
    const refused = tasks.filter((task) => task.error?.code === 'rate_limited');
    expect(refused).toHaveLength(6);
    const one = simulated({ maxConcurrent: 1 });
    const chain = createExecutor({ strategy: atOnce, runner: one, maxParallel: 1 }).execute(
      batch(5),
    );
    await vi.runAllTimersAsync();
    expect((await chain).status).toBe('completed');
  });

  test('streams its answer in pieces that add up to it, unless told not to', async () => {
    const streamed = await play({});
    const pieces = streamed.timeline.flatMap((event) =>
      event.type === 'task_output' ? event.text : [],
    );
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.join('')).toBe(streamed.outputs.t0);
    const whole = await play({ stream: false });
    expect(whole.timeline.some((event) => event.type === 'task_output')).toBe(false);
    expect(whole.outputs.t0).toBe(streamed.outputs.t0);
  });

  test('reports tokens by the length of the texts, and a cost when there is a price', async () => {
    const respond = () => 'x'.repeat(400);
    const free = await play({ respond });
    expect(free.metrics.usage).toMatchObject({ inputTokens: 2, outputTokens: 100 });
    expect(free.metrics.costUsd).toBeNull();
    const paid = await play({ respond, pricePerMillionTokens: { inputUsd: 1, outputUsd: 10 } });
    expect(paid.metrics.costUsd).toBeCloseTo(0.001002);
  });

  test('gives any answer that it is told to give', async () => {
    const { outputs } = await play({ respond: ({ description }) => ({ heard: description }) });
    expect(outputs.t0).toEqual({ heard: 'Task 0' });
  });

  test('names its model', async () => {
    const { timeline } = await play({ model: 'tiny' });
    expect(timeline.find((event) => event.type === 'task_completed')).toMatchObject({
      model: 'tiny',
    });
    expect(simulated({ model: 'tiny' }).resource).toBe('simulated/tiny');
  });

  test('stops at once when it is aborted, and leaves no timer behind', async () => {
    const runner = simulated({ latencyMs: 10_000, maxConcurrent: 1 });
    const abort = new AbortController();
    const context = {
      taskId: 'a',
      attempt: 1,
      signal: abort.signal,
      deadline: undefined,
      emit() {},
    };
    const request = {
      taskId: 'a',
      type: 'action' as const,
      prompt: 'x',
      description: 'x',
      inputs: {},
      metadata: {},
    };
    const answer = runner.run(request, context);
    abort.abort(new Error('enough'));
    await expect(answer).rejects.toMatchObject({ code: 'aborted', cause: { message: 'enough' } });
    await expect(runner.run(request, context)).rejects.toBeInstanceOf(RunnerError);
  });

  test.each([
    [{ latency: 5 }, 'simulated() has no option "latency". Did you mean "latencyMs"?'],
    [{ latencyMs: -1 }, 'latencyMs must be a number from 0 to 2147483647'],
    [{ latencyMs: { medianMs: 5, sigma: -1 } }, 'latencyMs.sigma must be a number from 0 to 10'],
    [{ latencyMs: { median: 5 } }, 'has no option "median". Did you mean "medianMs"?'],
    [{ latencyMs: 2 ** 31 }, 'latencyMs must be a number from 0 to 2147483647'],
    [{ failureRate: 1.5 }, 'failureRate must be a number from 0 to 1'],
    [{ requestsPerMinute: 0 }, 'requestsPerMinute must be a whole number of at least 1'],
    [{ maxConcurrent: 0 }, 'maxConcurrent must be a whole number of at least 1'],
    [{ seed: Number.NaN }, 'seed must be a number'],
    [{ stream: 'yes' }, 'stream must be true or false'],
    [{ respond: 'x' }, 'respond must be a function'],
    [
      { pricePerMillionTokens: { inputUsd: -1, outputUsd: 1 } },
      'inputUsd must be a number of at least 0',
    ],
  ])('refuses %j', (options, message) => {
    const create = () => simulated(options as SimulatedOptions);
    expect(create).toThrow(OptionError);
    expect(create).toThrow(message);
  });
});
