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
  const listeners = new Set<() => void>();
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
    on: (_: string, listener: () => void) => {
      listeners.add(listener);
      return stream;
    },
    off: () => stream,
  };
  const look = Object.assign(
    () => {
      const text = stripVTControlCharacters(written);
      written = '';
      return text;
    },
    { raw: () => written },
  );
  return {
    resize(to: number) {
      stream.columns = to;
      for (const listener of listeners) listener();
    },
    stream: stream as unknown as NodeJS.WriteStream,
    /** The text written since the last call, without escape sequences. */
    look,
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
  const progress = createProgress({}, stream);
  const plan = { goal: 'Market report', tasks: [] };
  // An hour ahead of the time that the process began with.
  const timestamp = Date.now() + 3_600_000;
  progress.onEvent({ type: 'run_started', sequence: 0, timestamp, plan, taskCount: 1 } as never);
  progress.onEvent({ type: 'task_started', sequence: 1, timestamp, taskId: 'a' } as never);
  look();
  vi.advanceTimersByTime(100);
  expect(look()).toMatch(/◔ a +\d+ ms/);
  progress.stop();
});

test('shows the goal, the running tasks and the counts, and nothing after it stopped', async () => {
  const { stream, look } = terminal(80);
  const progress = createProgress({}, stream);
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
    expect(block).toMatch(/◔ stuck +0 ms/);
    expect(block).toContain('1 completed · 1 running · 1 failed · 0 to go');
    expect(block).toContain('66 %');
    run.cancel();
  }
  progress.stop();
  look();
  vi.advanceTimersByTime(1_000);
  expect(look()).toBe('');
});

test('shows the iteration of a loop while it lasts', async () => {
  const { stream, look } = terminal(80);
  const progress = createProgress({}, stream);
  let finish = () => {};
  const second = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const run = start(
    [
      {
        id: 'draft',
        run: ({ iteration }) => (iteration === 2 ? second : iteration),
        repeat: { until: ({ iteration }) => iteration === 2, maxIterations: 3 },
      },
    ],
    { onEvent: (event) => progress.onEvent(event) },
  );
  for await (const event of run) {
    if (event.type !== 'task_started' || event.taskId !== 'draft#2') continue;
    vi.advanceTimersByTime(100);
    expect(look()).toMatch(/↻ draft +iteration 2 of at most 3/);
    finish();
  }
  progress.stop();
  expect((await run).listenerErrors).toEqual([]);
});

test('shows a replanning round while it lasts', async () => {
  const { stream, look } = terminal(80);
  const progress = createProgress({}, stream);
  const run = start([{ id: 'a', description: 'fail as' }], {
    onEvent: (event) => progress.onEvent(event),
    replan: {
      async revise() {
        vi.advanceTimersByTime(100);
        expect(look()).toMatch(/◔ replanning, round 1 +\d+ ms/);
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

test('failures stay above the block, and a flood of them is cut off', async () => {
  const { stream, look } = terminal(80);
  const progress = createProgress({}, stream);
  const tasks = Array.from({ length: 30 }, (_, n) => ({ id: `t${n}`, description: `fail ${n}` }));
  await start(tasks, { onEvent: (event) => progress.onEvent(event) });
  const text = look();
  expect(text.match(/^ ✗ t\d+ {2}fail \d+ it did$/gm)).toHaveLength(20);
  expect(text.match(/✗ more tasks failed; the summary lists them by cause/g)).toHaveLength(1);
  progress.stop();
});

test('shows words, attempts and tools of running tasks, and tokens so far', () => {
  const { stream, look } = terminal(80);
  const progress = createProgress({}, stream);
  const plan = { goal: 'Market report', tasks: [{ id: 'a' }, { id: 'b' }, { id: 'c' }] };
  const at = { timestamp: 1_000_000_000_000 };
  const usage = { inputTokens: 900, outputTokens: 100 };
  const add = (event: object) => progress.onEvent({ ...at, ...event } as never);
  add({ type: 'run_started', plan });
  add({ type: 'task_started', taskId: 'b', attempt: 1 });
  add({ type: 'task_completed', taskId: 'b', attempt: 1, durationMs: 5, usage, costUsd: 0.25 });
  add({ type: 'task_started', taskId: 'a', attempt: 2 });
  add({ type: 'task_output', taskId: 'a', kind: 'text', text: 'three sma' });
  add({ type: 'task_output', taskId: 'a', kind: 'text', text: 'll words ' });
  add({ type: 'task_output', taskId: 'a', kind: 'tool_call', callId: '1', tool: 'search' });
  add({ type: 'task_waiting', taskId: 'c', kind: 'approval' });
  look();
  vi.advanceTimersByTime(100);
  const block = look();
  expect(block).toMatch(/1,000 tokens {3}\$0\.250\n/);
  expect(block).toMatch(/◆ c +waits for an approval/);
  expect(block).toMatch(/◔ a +\d+ ms {3}attempt 2 {3}3 words {3}search/);
  progress.stop();
});

test('10,000 tasks are a bar, counts and a few lines', () => {
  const { stream, look } = terminal(80);
  const progress = createProgress({}, stream);
  const tasks = Array.from({ length: 10_000 }, (_, n) => ({ id: `t${n}`, description: 'x' }));
  let timestamp = 1_000_000_000_000;
  const add = (event: object) => progress.onEvent({ timestamp, ...event } as never);
  add({ type: 'run_started', plan: { goal: 'Much', tasks } });
  for (let n = 0; n < 4_000; n++) {
    add({ type: 'task_started', taskId: `t${n}`, attempt: 1 });
    if (n < 100) continue;
    timestamp += 10;
    const taskId = `t${n - 100}`;
    add({ type: 'task_completed', taskId, attempt: 1, durationMs: 1_000 });
  }
  look();
  vi.advanceTimersByTime(600);
  const lines = look().trimEnd().split('\n');
  expect(lines.length).toBeLessThan(16);
  expect(lines.join('\n')).toContain('3900 completed · 100 running · 6000 to go');
  expect(lines.join('\n')).toMatch(/39 %/);
  // 6,100 tasks of one second, a hundred at once.
  expect(lines.join('\n')).toContain('about 1 m left');
  expect(lines.join('\n')).toContain('and 93 more');
  progress.stop();
});

test('a narrower window leaves no rest of the wider block', () => {
  const { stream, look, resize } = terminal(80);
  const progress = createProgress({}, stream);
  const plan = { goal: 'Market report', tasks: [{ id: 'a' }] };
  progress.onEvent({ type: 'run_started', timestamp: 1e12, plan } as never);
  vi.advanceTimersByTime(100);
  look();
  resize(40);
  // Four lines; of these, two were wider than the window.
  expect(look.raw().startsWith('\u001b[6A\r\u001b[J')).toBe(true);
  vi.advanceTimersByTime(100);
  for (const line of look().split('\n')) expect(stringWidth(line)).toBeLessThan(40);
  progress.stop();
});

test('fits a narrow and low window with any ids', async () => {
  const { stream, look } = terminal(20, 8);
  const progress = createProgress({}, stream);
  const tasks = Array.from({ length: 9 }, (_, i) => ({
    id: `市場規模の分析を行う ${i}`,
    run: never,
  }));
  const run = createExecutor({ strategy: parallel({ maxParallel: 9 }), abortGraceMs: 0 }).execute(
    { goal: 'A goal that is wider than the window', tasks },
    { onEvent: (event) => progress.onEvent(event) },
  );
  let started = 0;
  for await (const { type } of run) {
    if (type !== 'task_started' || ++started < 9) continue;
    look();
    vi.advanceTimersByTime(100);
    const lines = look().trimEnd().split('\n');
    expect(lines.length).toBeLessThan(8);
    expect(lines.filter((line) => /and \d more/.test(line))).toHaveLength(1);
    for (const line of lines) expect(stringWidth(line)).toBeLessThan(20);
    run.cancel();
  }
  progress.stop();
});

test('a terminal that cannot redraw gets lines', async () => {
  vi.stubEnv('TERM', 'dumb');
  const { stream, look } = terminal(80);
  const progress = createProgress({}, stream);
  await start([{ id: 'a', run: () => 1 }], { onEvent: (event) => progress.onEvent(event) });
  expect(look()).toMatch(/started {3}a\n.*completed a in/);
});
