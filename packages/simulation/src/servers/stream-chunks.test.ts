import type { Plan, PlanResult, RunEvent, TaskView } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { describe, expect, test } from 'vitest';
import {
  batch,
  concurrencyKnee,
  cpuBound,
  fixedLatency,
  fixedWindows,
  lognormalLatency,
  mixed,
  overload,
  providers,
  type Request,
  rateLimited,
  type ServerModel,
  type SimulateOnOptions,
  type StreamChunk,
  simulateOn,
} from '../index.js';

const changes = [
  { atMs: 2_000, factor: 4 },
  { atMs: 9_000, factor: 0.2 },
];
const models: ServerModel[] = [
  fixedLatency(),
  lognormalLatency({ sigma: 0.4 }),
  concurrencyKnee({ knee: 5, sigma: 0.3, changes }),
  cpuBound({ cores: 3, sigma: 0.3 }),
  overload({ capacity: 3, maxInFlight: 7, kind: 'server_error', sigma: 0.3 }),
  overload({ capacity: 3, maxInFlight: 7, kind: 'timeout', sigma: 0.3 }),
  rateLimited({
    requestsPerMinute: 240,
    tokensPerMinute: 90_000,
    initial: 0.05,
    sigma: 0.3,
    changes,
  }),
  fixedWindows({ requests: 9, windowMs: 4_000, sigma: 0.3 }),
  providers({
    a: cpuBound({ cores: 2, sigma: 0.3 }),
    b: overload({ capacity: 2, maxInFlight: 4, kind: 'rate_limited', sigma: 0.3 }),
  }),
];

const { plan, demandOf } = mixed();

function run(server: ServerModel, options: Partial<SimulateOnOptions> = {}): PlanResult {
  return simulateOn(plan, {
    ...{ server, demandOf },
    strategy: parallel({ maxParallel: 10 }),
    retry: { maxAttempts: 1_000 },
    timeoutMs: 60_000,
    ...options,
  }) as PlanResult;
}

/** The events of each attempt, by its task and number. */
function attemptsOf({ timeline }: Pick<PlanResult, 'timeline'>): Map<string, RunEvent[]> {
  const attempts = new Map<string, RunEvent[]>();
  for (const event of timeline) {
    if (!('attempt' in event)) continue;
    const name = `${event.taskId}, attempt ${event.attempt}`;
    attempts.set(name, [...(attempts.get(name) ?? []), event]);
  }
  return attempts;
}

const chunksIn = (events: readonly RunEvent[]) =>
  events.flatMap((event) => (event.type === 'task_output' ? event : []));

/** What a word is in the text of a simulated answer. */
const tokensIn = (text: string) => text.length / 'word '.length;

const textsIn = (events: readonly RunEvent[]) =>
  chunksIn(events).map((part) => tokensIn((part as { text: string }).text));

describe.each(models)('on $name, streamed responses', (server) => {
  const result = run(server, { tokensPerChunk: 20 });

  test('arrive within their attempt, in order, with all its tokens', () => {
    expect(result.status).toBe('completed');
    let streamed = 0;
    for (const events of attemptsOf(result).values()) {
      const [first, ...rest] = events;
      const last = rest.pop();
      expect(first?.type).toBe('task_started');
      if (last?.type !== 'task_completed') {
        expect([rest, last?.type]).toEqual([[], 'task_retrying']);
        continue;
      }
      streamed++;
      expect(rest.every((event) => event.type === 'task_output' && event.kind === 'text')).toBe(
        true,
      );
      const { outputTokens = 0 } = last.usage ?? {};
      expect(outputTokens).toBeGreaterThan(20);
      const texts = textsIn(rest);
      expect(texts).toHaveLength(Math.ceil(outputTokens / 20));
      expect(texts.slice(0, -1).every((tokens) => tokens === 20)).toBe(true);
      expect(texts.reduce((sum, tokens) => sum + tokens, 0)).toBe(outputTokens);
      const times = events.map(({ timestamp }) => timestamp);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(times[1]).toBeGreaterThan(times[0] as number);
    }
    expect(streamed).toBe(plan.tasks.length);
  });

  test('take as long as those in one piece', () => {
    const whole = run(server);
    expect(chunksIn(whole.timeline)).toEqual([]);
    const { executionTimeMs, attempts } = whole.metrics;
    expect(result.metrics.executionTimeMs).toBeCloseTo(executionTimeMs, 3);
    expect(result.metrics).toMatchObject({ attempts, usage: whole.metrics.usage });
  });

  test('depend only on the seed', () => {
    const logOf = (seed: number) =>
      JSON.stringify(run(server, { tokensPerChunk: 20, seed }).timeline);
    expect(logOf(0)).toBe(JSON.stringify(result.timeline));
    expect(logOf(1)).not.toBe(logOf(0));
  });
});

describe('streamed responses', () => {
  const one: Plan = { goal: 'x', tasks: [{ id: 'a', description: 'x' }] };
  const writing =
    (outputTokens: number, workMs = 1_000) =>
    () => ({
      ...{ workMs, outputTokens },
      inputTokens: 10,
    });
  const write = (outputTokens: number, tokensPerChunk: number) =>
    simulateOn(one, {
      server: fixedLatency(),
      strategy: parallel(),
      demandOf: writing(outputTokens),
      tokensPerChunk,
    });

  test.each([
    [100, 30, [30, 30, 30, 10]],
    [90, 30, [30, 30, 30]],
    [31, 30, [30, 1]],
    [30, 30, []],
    [29, 30, []],
    [0, 1, []],
    [2, 1, [1, 1]],
    [1_000, Number.POSITIVE_INFINITY, []],
  ])(
    'of %i tokens in chunks of %i have the chunks %j, or one piece if there is only one',
    (tokens, size, texts) => {
      const { timeline, status } = write(tokens, size);
      expect(textsIn(timeline)).toEqual(texts);
      expect(status).toBe('completed');
    },
  );

  test('begin after a delay, end with the work, and have uneven intervals', () => {
    const times = chunksIn(write(1_000, 100).timeline).map(({ timestamp }) => timestamp);
    expect(times).toHaveLength(10);
    expect(times[0]).toBeGreaterThan(100);
    expect(times.at(-1)).toBe(1_000);
    const steps = times.slice(1).map((time, index) => time - (times[index] as number));
    expect(Math.min(...steps)).toBeGreaterThan(0);
    expect(Math.max(...steps) - Math.min(...steps)).toBeGreaterThan(10);
  });

  test('slow down when the server is busy', () => {
    const firstAt = (count: number) => {
      const { timeline } = simulateOn(batch(count).plan, {
        ...{ server: cpuBound(), strategy: parallel({ maxParallel: count }) },
        ...{ demandOf: writing(100), tokensPerChunk: 10 },
      });
      const [started] = timeline.filter(({ type }) => type === 'task_started') as {
        taskId: string;
      }[];
      const first = chunksIn(timeline).find(({ taskId }) => taskId === started?.taskId);
      return first?.timestamp as number;
    };
    expect(firstAt(4)).toBeCloseTo(4 * firstAt(1), 6);
  });

  test('stop when their attempt is aborted', () => {
    const { plan: tasks } = batch(3);
    const result = simulateOn(tasks, {
      ...{ server: cpuBound(), strategy: parallel({ maxParallel: 3 }) },
      ...{ demandOf: writing(100), tokensPerChunk: 10 },
      retry: { maxAttempts: 1 },
      timeoutMs: 2_000,
    });
    expect(result.status).toBe('failed');
    for (const events of attemptsOf(result).values()) {
      expect(events.at(-1)).toMatchObject({ type: 'task_failed', timestamp: 2_000 });
      expect(chunksIn(events).length).toBeGreaterThan(3);
      expect(chunksIn(events).length).toBeLessThan(10);
      expect(events.slice(1, -1)).toEqual(chunksIn(events));
    }
  });

  test('do not exist for refused requests', () => {
    const result = run(overload({ capacity: 2, kind: 'server_error' }), { tokensPerChunk: 5 });
    const refused = [...attemptsOf(result).values()].filter(
      (events) => events.at(-1)?.type === 'task_retrying',
    );
    expect(refused.length).toBeGreaterThan(10);
    expect(refused.flatMap(chunksIn)).toEqual([]);
  });

  test('arrive from each provider at its own speed', () => {
    const server = providers({ fast: fixedLatency(), slow: cpuBound() });
    const { timeline } = simulateOn(batch(8).plan, {
      ...{ server, strategy: parallel({ maxParallel: 8 }) },
      ...{ demandOf: writing(100), tokensPerChunk: 25 },
    });
    const lastOf = (resource: string) =>
      chunksIn(timeline).findLast(({ taskId }) => server.resourceOf?.({ id: taskId }) === resource);
    const slow = batch(8).plan.tasks.filter((task) => server.resourceOf?.(task) === 'slow').length;
    expect(slow).toBeGreaterThan(1);
    expect(slow).toBeLessThan(8);
    expect(chunksIn(timeline)).toHaveLength(8 * 4);
    expect(lastOf('fast')?.timestamp).toBeCloseTo(1_000, 6);
    expect(lastOf('slow')?.timestamp).toBeCloseTo(1_000 * slow, 6);
  });

  test('are observed by strategies', () => {
    const heard: string[] = [];
    const listening = {
      name: 'listening',
      begin() {
        const ready: TaskView[] = [];
        return {
          ready: (task: TaskView) => void ready.push(task),
          next: () => ready.shift(),
          output: ({ id, resource }: TaskView, part: { kind: string; text?: string }) =>
            void heard.push(`${id} of ${resource}: ${part.text}`),
        };
      },
    };
    simulateOn(one, {
      server: providers({ only: fixedLatency() }),
      strategy: listening,
      demandOf: writing(5),
      tokensPerChunk: 2,
    });
    expect(heard).toEqual(['a of only: word word ', 'a of only: word word ', 'a of only: word ']);
  });

  test('can come from a custom server', () => {
    /** Writes a token every 10 ms, and reports as many as it was asked to. */
    const typewriter: ServerModel = {
      name: 'typewriter',
      begin() {
        let current: Request | undefined;
        let nextAt = Number.POSITIVE_INFINITY;
        let left = 0;
        const write = (now: number) => {
          const tokens = Math.min(current?.tokensPerChunk ?? 0, left);
          nextAt = now + 10 * tokens;
          return tokens;
        };
        return {
          get nextAt() {
            return nextAt;
          },
          start(request, now) {
            current = request;
            left = request.outputTokens;
            write(now);
          },
          abort() {},
          advance(now) {
            const request = current as Request;
            const tokens = Math.min(request.tokensPerChunk, left);
            if (tokens === 0) {
              nextAt = Number.POSITIVE_INFINITY;
              return { request, error: undefined, rateLimits: undefined };
            }
            left -= tokens;
            write(now);
            return { request, tokens } satisfies StreamChunk;
          },
        };
      },
    };
    const { timeline, status } = simulateOn(one, {
      server: typewriter,
      strategy: parallel(),
      demandOf: writing(50),
      tokensPerChunk: 20,
    });
    expect(status).toBe('completed');
    expect(chunksIn(timeline).map(({ timestamp }) => timestamp)).toEqual([200, 400, 500]);
    expect(textsIn(timeline)).toEqual([20, 20, 10]);
  });

  test.each([0, -1, 1.5, Number.NaN, '5', null])('cannot have %s tokens', (tokensPerChunk) => {
    expect(() => write(100, tokensPerChunk as number)).toThrow(
      expect.objectContaining({
        name: 'OptionError',
        message: expect.stringContaining(
          'simulateOn(): tokensPerChunk must be an integer ≥ 1 or Infinity',
        ),
      }),
    );
  });
});
