import { stripVTControlCharacters } from 'node:util';
import { createExecutor } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import stringWidth from 'string-width';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { start } from '../../test/run-plan.js';
import { createProgress } from './create-progress.js';

/** A terminal that remembers what was written to it. */
function terminal(columns: number, rows = 24) {
  let written = '';
  const stream = {
    isTTY: true,
    writable: true,
    columns,
    rows,
    getColorDepth: () => 1,
    write(text: string) {
      written += text;
      return true;
    },
    on: () => stream,
    off: () => stream,
  };
  return {
    stream: stream as unknown as NodeJS.WriteStream,
    /** The text written since the last call, without escape sequences. */
    look() {
      const text = stripVTControlCharacters(written);
      written = '';
      return text;
    },
  };
}

const never = () => new Promise<never>(() => {});

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

test('shows how long a run has taken, however the time of day was set before it', () => {
  const { stream, look } = terminal(80);
  const progress = createProgress(stream);
  const plan = { goal: 'Market report', tasks: [] };
  // An hour ahead of the time that the process began with.
  const timestamp = Date.now() + 3_600_000;
  progress.onEvent({ type: 'run_started', sequence: 0, timestamp, plan, taskCount: 1 } as never);
  progress.onEvent({ type: 'task_started', sequence: 1, timestamp, taskId: 'a' } as never);
  look();
  vi.advanceTimersByTime(100);
  expect(look()).toMatch(/a \d+ ms/);
  progress.stop();
});

test('shows the goal, the running tasks and the counts, and nothing after it stopped', async () => {
  const { stream, look } = terminal(80);
  const progress = createProgress(stream);
  const run = start(
    [
      { id: 'first', run: () => 1 },
      { id: 'broken', description: 'fail as' },
      { id: 'stuck', run: never },
    ],
    { goal: 'Market report', onEvent: (event) => progress.onEvent(event) },
  );
  for await (const event of run) {
    if (event.type !== 'task_started' || event.taskId !== 'stuck') continue;
    look();
    vi.advanceTimersByTime(100);
    const block = look().replace(/\d+ ms/g, '0 ms');
    expect(block).toContain('▸ stuck 0 ms');
    expect(block).toContain('1/3 completed, 1 failed, 0 ms');
    run.cancel();
  }
  progress.stop();
  look();
  vi.advanceTimersByTime(1_000);
  expect(look()).toBe('');
});

test('shows a replanning round while it lasts', async () => {
  const { stream, look } = terminal(80);
  const progress = createProgress(stream);
  const run = start([{ id: 'a', description: 'fail as' }], {
    onEvent: (event) => progress.onEvent(event),
    replan: {
      async revise() {
        vi.advanceTimersByTime(100);
        expect(look().replace(/\d+ ms/g, '0 ms')).toContain('▸ replanning, round 1 0 ms');
        return [{ id: 'b', run: never }];
      },
    },
  });
  for await (const event of run) {
    if (event.type !== 'task_started' || event.taskId !== 'b') continue;
    look();
    vi.advanceTimersByTime(100);
    expect(look()).not.toContain('replanning');
    run.cancel();
  }
  progress.stop();
  expect((await run).metrics.replanRounds).toBe(1);
  expect((await run).listenerErrors).toEqual([]);
});

test('fits a narrow and low window with any ids', async () => {
  const { stream, look } = terminal(20, 8);
  const progress = createProgress(stream);
  const tasks = Array.from({ length: 9 }, (_, i) => ({
    id: `市場規模の分析を行う ${i}`,
    run: never,
  }));
  const run = createExecutor({ strategy: parallel({ maxParallel: 9 }) }).execute(
    { goal: 'A goal that is wider than the window', tasks },
    { onEvent: (event) => progress.onEvent(event) },
  );
  let started = 0;
  for await (const { type } of run) {
    if (type !== 'task_started' || ++started < 9) continue;
    look();
    vi.advanceTimersByTime(100);
    const lines = look().trimEnd().split('\n');
    expect(lines.filter((line) => line.includes('▸'))).toHaveLength(4);
    expect(lines.filter((line) => line.includes('… and 5'))).toHaveLength(1);
    for (const line of lines) expect(stringWidth(line)).toBeLessThan(20);
    run.cancel();
  }
  progress.stop();
});

test('a terminal that cannot redraw gets lines', async () => {
  vi.stubEnv('TERM', 'dumb');
  const { stream, look } = terminal(80);
  const progress = createProgress(stream);
  await start([{ id: 'a', run: () => 1 }], { onEvent: (event) => progress.onEvent(event) });
  expect(look()).toMatch(/started {3}a\n.*completed a in/);
});
