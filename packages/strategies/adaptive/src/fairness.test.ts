import {
  createExecutor,
  type Outcome,
  type Plan,
  type RunView,
  type Scheduler,
  type TaskRunner,
  type TaskView,
} from '@stratagem/core';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { adaptive } from './index.js';

/** Virtual time: no run waits for a clock. */
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const TICK_MS = 50;

const planOf = (run: string, size: number): Plan => ({
  goal: run,
  tasks: Array.from({ length: size }, (_, n) => ({ id: `${run}${n}`, description: 'x' })),
});

/**
 * A server for several runs, told apart by the first letter of the ids of their tasks. Each request starts with
 * 1,000 ms of work, more or less; all progress at a speed that depends on their number.
 */
function serverWith(knee: number) {
  const open = new Set<{ left: number; run: string; end: () => void }>();
  let ticking: NodeJS.Timeout | undefined;
  let count = 0;
  const samples: Readonly<Record<string, number>>[] = [];
  const tick = () => {
    const speed = Math.min(1, (knee / open.size) ** 1.5);
    const inFlight: Record<string, number> = {};
    for (const each of open) {
      inFlight[each.run] = (inFlight[each.run] ?? 0) + 1;
      each.left -= TICK_MS * speed;
      if (each.left > 0) continue;
      open.delete(each);
      each.end();
    }
    samples.push(inFlight);
    if (open.size === 0) ticking = clearInterval(ticking) as undefined;
  };
  const runner: TaskRunner = {
    name: 'server',
    run: ({ taskId }) =>
      new Promise((resolve) => {
        const left = 1_000 * Math.exp(0.3 * Math.sin(count++ * 12.9));
        const run = taskId[0] as string;
        open.add({ left, run, end: () => resolve({ output: 'done' }) });
        ticking ??= setInterval(tick, TICK_MS);
      }),
  };
  /** The mean number in flight of each run, in this part of the samples. */
  const means = (runs: string, from: number, to: number) => {
    const part = samples.slice(Math.floor(samples.length * from), Math.floor(samples.length * to));
    return [...runs].map(
      (run) => part.reduce((sum, each) => sum + (each[run] ?? 0), 0) / part.length,
    );
  };
  return {
    runner,
    means,
    get inFlight() {
      return open.size;
    },
  };
}

interface Started {
  readonly run: string;
  readonly size: number;
  readonly afterMs?: number;
  readonly maxParallel?: number;
}

/** Starts runs one after the other, each with a strategy of its own, and waits until all have ended. */
async function play({ runner }: { runner: TaskRunner }, runs: readonly Started[]) {
  const results: Promise<unknown>[] = [];
  for (const { run, size, afterMs = 0, maxParallel = 128 } of runs) {
    await vi.advanceTimersByTimeAsync(afterMs);
    const executor = createExecutor({ strategy: adaptive(), runner, maxParallel });
    results.push(executor.execute(planOf(run, size)).orThrow());
  }
  let isOver = false;
  const all = Promise.all(results).finally(() => {
    isOver = true;
  });
  for (let minutes = 0; minutes < 60 && !isOver; minutes++) {
    await vi.advanceTimersByTimeAsync(60_000);
  }
  expect(isOver).toBe(true);
  await all;
}

const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
const apart = (values: readonly number[]) => Math.max(...values) / Math.min(...values);

/** What a run alone has in flight, by the knee of the server. */
const inFlightAlone = new Map<number, number>();
async function alone(knee: number): Promise<number> {
  const server = serverWith(knee);
  if (!inFlightAlone.has(knee)) {
    await play(server, [{ run: 'a', size: 700 }]);
    inFlightAlone.set(knee, sumOf(server.means('a', 0.4, 0.8)));
  }
  return inFlightAlone.get(knee) as number;
}

describe('runs of one process at the same server', () => {
  test.each([
    [2, 16, 0],
    [2, 16, 10_000],
    [2, 8, 0],
    [2, 8, 10_000],
    [3, 16, 10_000],
    [3, 8, 0],
  ])('%i of them share a knee at %i evenly, started %i ms apart', async (count, knee, afterMs) => {
    const server = serverWith(knee);
    const runs = 'abc'.slice(0, count);
    // Those that start later are over at about the same time.
    const sizes = [700, 500, 400];
    await play(
      server,
      [...runs].map((run, position) => ({
        run,
        size: (afterMs === 0 ? 600 : sizes[position]) as number,
        afterMs: position === 0 ? 0 : afterMs,
      })),
    );
    const means = server.means(runs, 0.5, 0.9);
    expect(apart(means)).toBeLessThan(1.2);
    const together = sumOf(means) / (await alone(knee));
    expect(together).toBeGreaterThan(0.8);
    expect(together).toBeLessThan(1.2);
  });

  test('leave their places to the others when they end', async () => {
    const server = serverWith(16);
    await play(server, [
      { run: 'a', size: 60 },
      { run: 'b', size: 500 },
      { run: 'c', size: 500 },
    ]);
    const [a, ...others] = server.means('abc', 0.4, 0.7);
    expect(a).toBe(0);
    expect(apart(others)).toBeLessThan(1.2);
    expect(sumOf(others) / (await alone(16))).toBeGreaterThan(0.8);
  });

  test('leave the places that they cannot use to the others', async () => {
    const server = serverWith(16);
    await play(server, [
      { run: 'a', size: 100, maxParallel: 2 },
      { run: 'b', size: 500 },
    ]);
    const [a, b] = server.means('ab', 0.3, 0.6) as [number, number];
    expect(a).toBeCloseTo(2, 0);
    expect((a + b) / (await alone(16))).toBeGreaterThan(0.8);
  });

  test('take turns when there are more of them than places', async () => {
    const server = serverWith(2);
    const runs = 'abcdefgh';
    await play(
      server,
      [...runs].map((run) => ({ run, size: 60 })),
    );
    const means = server.means(runs, 0.4, 0.65);
    expect(apart(means)).toBeLessThan(1.5);
    // With a place for each, there were eight.
    expect(sumOf(means)).toBeLessThan(4);
  });

  test('start as if they were alone when the others have ended', async () => {
    const server = serverWith(4);
    await play(server, [{ run: 'x', size: 200 }]);
    expect(sumOf(server.means('x', 0.5, 0.8))).toBeLessThan(8);
    const executor = createExecutor({ strategy: adaptive(), runner: server.runner });
    const run = executor.execute(planOf('a', 100));
    await vi.advanceTimersByTimeAsync(1);
    expect(server.inFlight).toBe(16);
    await run.cancel();
  });
});

describe('a run at a server with others', () => {
  let server: object;
  beforeEach(() => {
    server = {};
  });
  const begin = (clock: { now: number; isOver?: boolean }, options = {}): Scheduler => {
    const run: Partial<RunView> = {
      get now() {
        return clock.now;
      },
      get isOver() {
        return clock.isOver === true;
      },
      ...{ remaining: 1_000, running: 0, isFull: () => false, criticalPaths: () => () => 1 },
      serverOf: () => server,
    };
    const scheduler = adaptive(options).begin(run as RunView);
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

  test('gets one place at once, and all of them when this process leaves the other run', () => {
    const [left, clock] = [{ now: 0, isOver: false }, { now: 0 }];
    expect(started(begin(left), 0)).toHaveLength(16);
    const other = begin(clock);
    expect(started(other, 0)).toHaveLength(1);
    left.isOver = true;
    expect(started(other, 0)).toHaveLength(15);
  });

  test('gets the places of a paused run, as its requests end', () => {
    const clock = { now: 0 };
    const paused = begin(clock);
    const open = started(paused, 0);
    const other = begin(clock);
    expect(started(other, 0)).toHaveLength(1);
    for (const task of open.slice(0, 10)) paused.settled?.(task, failure);
    expect(started(other, 0)).toHaveLength(9);
    for (const task of open.slice(10)) paused.settled?.(task, failure);
    expect(started(other, 0)).toHaveLength(6);
  });

  test('gets a place again when it continues after it was over, as a row of runs does', () => {
    const [clock, other] = [{ now: 0, isOver: false }, { now: 0 }];
    const first = begin(clock);
    expect(started(first, 0)).toHaveLength(16);
    const second = begin(other);
    const open = started(second, 0);
    clock.isOver = true;
    open.push(...started(second, 0));
    expect(open).toHaveLength(16);
    clock.isOver = false;
    expect(started(first, 0)).toHaveLength(1);
    for (const task of open) second.settled?.(task, failure);
    expect(started(second, 0)).toHaveLength(8);
    expect(started(first, 0)).toHaveLength(7);
  });

  describe('that begins between two runs of a row', () => {
    /** Two clocks: of the row, which is over for a while, and of the other run. */
    const beginBetween = () => {
      const row = { now: 0, isOver: false };
      const first = begin(row);
      for (const task of started(first, 0)) first.settled?.(task, failure);
      row.isOver = true;
      const clock = { now: 0, isOver: false };
      const other = begin(clock);
      const open = started(other, 0);
      expect(open).toHaveLength(16);
      return { row, first, clock, other, open };
    };

    test('shares its limit with the row when that continues', () => {
      const { row, first, other, open } = beginBetween();
      row.isOver = false;
      expect(started(first, 0)).toHaveLength(1);
      for (const task of open) other.settled?.(task, failure);
      expect(started(other, 0)).toHaveLength(8);
      expect(started(first, 0)).toHaveLength(7);
    });

    test('leaves all places to the row when it has ended', () => {
      const { row, first, clock } = beginBetween();
      row.isOver = false;
      clock.isOver = true;
      expect(started(first, 0)).toHaveLength(16);
      expect(started(begin({ now: 0 }), 0)).toHaveLength(1);
    });
  });

  test('has a limit of its own under other options', () => {
    const clock = { now: 0 };
    expect(started(begin(clock), 0)).toHaveLength(16);
    expect(started(begin(clock, { maxParallel: 64 }), 0)).toHaveLength(16);
  });
});
