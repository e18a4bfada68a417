import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { execute, planOf } from '../../test/runs.js';
import { deriveContext } from '../contract/run-context.js';
import { tool } from '../contract/tool.js';
import type { TaskRunner } from '../index.js';
import { memoryJournal } from '../journal/memory-journal.js';
import { workerCarrier } from '../kernel.js';
import { withTimeLimit } from '../provider/time-limit.js';

const HOUR_MS = 3_600_000;

// `setImmediate` stays real: `ended` waits for real turns of the event loop.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout'] });
});
afterEach(() => void vi.useRealTimers());

/** Sets the time of day; timers and `performance.now()` run on as if nothing had happened. */
function step(ms: number): void {
  vi.setSystemTime(Date.now() + ms);
}

/** Lets virtual time pass until the run has ended. */
async function ended<T>(run: PromiseLike<T>): Promise<T> {
  let isOver = false;
  const end = () => {
    isOver = true;
  };
  run.then(end, end);
  while (!isOver) {
    await new Promise((resolve) => setImmediate(resolve));
    await vi.advanceTimersByTimeAsync(1);
  }
  return run;
}

const pause = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms));

/** Answers after 50 ms with what it reads of its remaining time, at the beginning and at the end. */
const limited: TaskRunner = {
  name: 'limited',
  run: (_, context) =>
    withTimeLimit(context, 60_000, async () => {
      const atFirst = context.remainingMs;
      await pause(50);
      return { output: [atFirst, context.remainingMs] };
    }),
};

describe.each([HOUR_MS, -HOUR_MS])('with the time of day set by %i ms', (ms) => {
  const plan = planOf({ id: 'a', description: 'Answer', timeoutMs: 50_000 });

  test.each([
    ['this process', () => ({ runner: limited })],
    ['a carrier', () => ({ carrier: workerCarrier({ runner: limited }) })],
    ['this process, with a journal', () => ({ runner: limited, journal: memoryJournal() })],
  ])('an attempt in %s has the time that it was given', async (_, options) => {
    step(ms);
    const before = Date.now();
    const onEvent = () => step(ms);
    const run = execute(plan, { ...options(), runner: limited, onEvent });
    const { outputs, timeline } = await ended(run);
    const [atFirst, atLast] = outputs.a as number[];
    expect(atFirst).toBeGreaterThan(0);
    expect(atFirst).toBeLessThanOrEqual(50_000);
    expect(atLast).toBeCloseTo((atFirst as number) - 50);
    const times = timeline.map(({ timestamp }) => timestamp);
    expect(times[0]).toBeCloseTo(before);
    expect(times.at(-1)).toBeLessThan(before + 60_000);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  test('a tool reads the time that its attempt has left', async () => {
    const read: (number | undefined)[] = [];
    const slow = tool({
      name: 'slow',
      description: 'Takes a while',
      inputSchema: z.object({}),
      async execute(_, context) {
        read.push(context.remainingMs);
        step(ms);
        await pause(1_000);
        read.push(context.remainingMs);
      },
    });
    const runner: TaskRunner = {
      name: 'caller',
      supportsTools: true,
      async run({ tools = [] }) {
        await tools[0]?.call({});
        return { output: '' };
      },
    };
    const run = execute(
      planOf({ id: 'a', description: 'Answer', tools: [slow], timeoutMs: 5_000 }),
      { runner },
    );
    await ended(run);
    expect(read[0]).toBeCloseTo(5_000);
    expect(read[1]).toBeCloseTo(4_000);
  });

  test('a derived context counts down from its change on, and never prolongs the attempt', async () => {
    const read: (number | undefined)[] = [];
    const run = execute(planOf({ id: 'a', description: 'Answer', timeoutMs: 500 }), {
      runner: {
        name: 'deriving',
        async run(_, context) {
          const shorter = deriveContext(context, { remainingMs: 200 });
          const longer = deriveContext(context, { remainingMs: 900 });
          const same = deriveContext(context, { attemptsLeft: 1 });
          await pause(100);
          step(ms);
          read.push(...[shorter, longer, same].map(({ remainingMs }) => remainingMs));
          await pause(200);
          read.push(shorter.remainingMs);
          return { output: '' };
        },
      },
    });
    await ended(run);
    expect(read.map((value) => Math.round(value as number))).toEqual([100, 400, 400, 0]);
  });
});
