import {
  createExecutor,
  type Outcome,
  type Plan,
  type RunView,
  type Scheduler,
  type Strategy,
  type TaskRunner,
  type TaskView,
} from '@stratagem/core';
import { strategyConformance } from '@stratagem/core/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { adaptive } from './index.js';

/** Virtual time: no run waits for a clock. */
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const planOf = (size: number): Plan => ({
  goal: 'x',
  tasks: Array.from({ length: size }, (_, n) => ({ id: `${n}`, description: 'x' })),
});

/**
 * A server for several runs. Each request starts with 1,000 ms of work, more or less; all progress at a speed
 * that depends on their number.
 */
function serverWith(knee: number) {
  const open = new Set<{ left: number; run: string; end: () => void }>();
  let ticking: NodeJS.Timeout | undefined;
  let count = 0;
  const samples: Readonly<Record<string, number>>[] = [];
  const inFlight = (run: string) => [...open].filter((each) => each.run === run).length;
  const tick = () => {
    const speed = Math.min(1, (knee / open.size) ** 1.5);
    for (const each of open) {
      each.left -= 20 * speed;
      if (each.left > 0) continue;
      open.delete(each);
      each.end();
    }
    samples.push({ a: inFlight('a'), b: inFlight('b') });
    if (open.size === 0) ticking = clearInterval(ticking) as undefined;
  };
  const runnerOf = (run: string): TaskRunner => ({
    name: 'server',
    run: () =>
      new Promise((resolve) => {
        const left = 1_000 * Math.exp(0.3 * Math.sin(count++ * 12.9));
        open.add({ left, run, end: () => resolve({ output: 'done' }) });
        ticking ??= setInterval(tick, 20);
      }),
  });
  /** The mean numbers in flight of both runs, in this part of the samples. */
  const means = (from: number, to: number) => {
    const part = samples.slice(Math.floor(samples.length * from), Math.floor(samples.length * to));
    const meanOf = (run: string) =>
      part.reduce((sum, each) => sum + (each[run] as number), 0) / part.length;
    return { a: meanOf('a'), b: meanOf('b') };
  };
  return { runnerOf, means };
}

/** Two runs of one strategy; the second starts later. */
async function twoRuns(server: ReturnType<typeof serverWith>, laterMs: number, sizes = [600, 600]) {
  const strategy = adaptive({ shareRuns: true });
  const start = (run: string, size: number) =>
    createExecutor({ strategy, runner: server.runnerOf(run), maxParallel: 128 })
      .execute(planOf(size))
      .orThrow();
  const first = start('a', sizes[0] as number);
  await vi.advanceTimersByTimeAsync(laterMs);
  const second = start('b', sizes[1] as number);
  await vi.advanceTimersByTimeAsync(600_000);
  await Promise.all([first, second]);
}

/** What a run alone has in flight. */
async function alone(knee: number): Promise<number> {
  const server = serverWith(knee);
  const executor = createExecutor({ strategy: adaptive(), runner: server.runnerOf('a') });
  const run = executor.execute(planOf(600)).orThrow();
  await vi.advanceTimersByTimeAsync(600_000);
  await run;
  return server.means(0.35, 0.6).a;
}

describe('two runs of one process', () => {
  test.each([
    [16, 0],
    [16, 10_000],
    [8, 0],
    [8, 10_000],
  ])('share a server with a knee at %i evenly, started %i ms apart', async (knee, laterMs) => {
    const server = serverWith(knee);
    await twoRuns(server, laterMs);
    const { a, b } = server.means(0.35, 0.6);
    expect(Math.max(a, b) / Math.min(a, b)).toBeLessThan(1.2);
    const together = (a + b) / (await alone(knee));
    expect(together).toBeGreaterThan(0.8);
    expect(together).toBeLessThan(1.2);
  });

  test('leave their places to the other when they end', async () => {
    const server = serverWith(16);
    await twoRuns(server, 0, [60, 900]);
    const { a, b } = server.means(0.5, 0.8);
    expect(a).toBe(0);
    expect(b / (await alone(16))).toBeGreaterThan(0.8);
  });
});

describe('a run that is silent', () => {
  const begin = (strategy: Strategy, clock: { now: number }): Scheduler => {
    const run: Partial<RunView> = {
      get now() {
        return clock.now;
      },
      ...{ remaining: 1_000, running: 0, isFull: () => false, criticalPaths: () => () => 1 },
    };
    const scheduler = strategy.begin(run as RunView);
    for (let index = 0; index < 100; index++) {
      const task = { id: `${index}`, index, type: 'action', level: 0, priority: 0 };
      scheduler.ready({ ...task, criticalPath: 1, resource: 'r', estimate: undefined } as TaskView);
    }
    return scheduler;
  };
  const started = (scheduler: Scheduler, now: number) => {
    const tasks: TaskView[] = [];
    for (let next = scheduler.next(now); next !== undefined; next = scheduler.next(now)) {
      if ('until' in next) break;
      tasks.push(next);
    }
    return tasks;
  };
  const failure: Outcome = {
    ...{ ok: false, errorCode: 'connection', latencyMs: 700_000 },
    ...{ retryAfterMs: undefined, retryDelayMs: undefined },
    ...{ usage: undefined, rateLimits: undefined },
  };

  test('holds its places for minutes, as its requests may take so long, and no longer', () => {
    const [strategy, clock] = [adaptive({ shareRuns: true }), { now: 0 }];
    const silent = begin(strategy, clock);
    expect(started(silent, clock.now)).toHaveLength(16);
    const other = begin(strategy, clock);
    // It gets one place at once, and all of them when the first run was broken off.
    expect(started(other, clock.now)).toHaveLength(1);
    clock.now = 600_000;
    expect(started(other, clock.now)).toHaveLength(0);
    clock.now = 600_001;
    expect(started(other, clock.now)).toHaveLength(15);
  });

  test('does not start more than its share when it calls again', () => {
    const [strategy, clock] = [adaptive({ shareRuns: true }), { now: 0 }];
    const silent = begin(strategy, clock);
    const open = started(silent, clock.now);
    const other = begin(strategy, clock);
    clock.now = 600_001;
    started(other, clock.now);
    silent.settled?.(open[0] as TaskView, failure);
    // 15 requests of its own are still in flight.
    expect(started(silent, clock.now)).toHaveLength(0);
  });

  test('gives way soon without any request in flight', () => {
    const [strategy, clock] = [adaptive({ shareRuns: true }), { now: 0 }];
    const paused = begin(strategy, clock);
    for (const task of started(paused, clock.now)) paused.settled?.(task, failure);
    const other = begin(strategy, clock);
    expect(started(other, clock.now)).toHaveLength(8);
    clock.now = 60_001;
    expect(started(other, clock.now)).toHaveLength(8);
  });
});

describe('a strategy that shares runs', () => {
  // Runs at once are not kept apart: that is what it is for. A large plan takes the same path as without it.
  const isKept = ({ name }: { name: string }) => !/concurrent runs apart|20,000/.test(name);
  const shared = () => adaptive({ shareRuns: true });
  for (const { name, run } of strategyConformance(shared).filter(isKept)) test(name, run);
});

test('shareRuns must be a boolean', () => {
  expect(() => adaptive({ shareRuns: 1 as never })).toThrow('shareRuns must be true or false');
});
