import { expect, test } from 'vitest';
import { inOrder, planOf } from '../../test/runs.js';
import { RunnerError } from '../contract/errors.js';
import type { RunEvent } from '../contract/event.js';
import type { Task } from '../contract/task.js';
import type { SimulatedAttempt, SimulateOptions } from '../simulate/options.js';
import { simulate } from '../simulate/simulate.js';
import { analyzeRun, RunAnalyzer } from './analyze.js';
import type { RunAnalysis, Span } from './types.js';

function run(tasks: Task[], options: Partial<SimulateOptions> = {}): RunAnalysis {
  return analyzeRun(simulate(planOf(...tasks), { strategy: inOrder, ...options }).timeline);
}

function task(id: string, durationMs: number, ...dependencies: string[]): Task {
  return { id, description: id, dependencies, estimate: { durationMs } };
}

/** Spans or segments as text: `kind start–end`. */
function textOf(spans: readonly (Span | RunAnalysis['criticalPath']['segments'][number])[]) {
  return spans.map((span) => {
    const what = 'taskId' in span ? `${span.taskId} ${span.part}` : (span.kind ?? span.part);
    return `${what} ${span.startMs}–${span.endMs}`;
  });
}

test('the path goes through the dependency that ended last', () => {
  const { criticalPath, makespanMs } = run([
    task('short', 100),
    task('long', 300),
    task('report', 50, 'short', 'long'),
  ]);
  expect(makespanMs).toBe(350);
  expect(criticalPath.taskIds).toEqual(['long', 'report']);
  expect(criticalPath.parts).toEqual([{ part: 'work', ms: 350 }]);
});

test('a ready task above the cap waits for a free slot, which is part of the path', () => {
  const analysis = run([task('a', 100), task('b', 100), task('c', 100)], { maxParallel: 1 });
  expect(textOf(analysis.task('c')?.spans ?? [])).toEqual(['cap 0–200', 'run 200–300']);
  expect(analysis.task('c')?.waitedMs).toBe(200);
  expect(analysis.criticalPath.parts).toEqual([
    { part: 'free_slot', ms: 200 },
    { part: 'work', ms: 100 },
  ]);
  expect(analysis.concurrency.map(({ running, ready }) => [running, ready])).toEqual([
    [1, 2],
    [1, 1],
    [1, 0],
    [0, 0],
  ]);
});

test('failed attempts and their delays are retries', () => {
  const attempt = (_: Task, number: number): SimulatedAttempt =>
    number === 1
      ? { durationMs: 40, error: new RunnerError('server_error', 'no', { status: 500 }) }
      : { durationMs: 60, usage: { inputTokens: 3, outputTokens: 4 }, model: 'm' };
  const analysis = run([task('a', 1)], { attempt, retry: { initialDelayMs: 0 } });
  const [a] = analysis.tasks;
  expect(textOf(a?.spans ?? [])).toEqual(['retried 0–40', 'run 40–100']);
  expect(a?.attempts).toMatchObject([
    { outcome: 'retried', code: 'server_error', message: 'no', status: 500, endMs: 40 },
    { outcome: 'completed', model: 'm', usage: { outputTokens: 4 } },
  ]);
  expect(analysis.criticalPath.parts).toEqual([
    { part: 'work', ms: 60 },
    { part: 'retry', ms: 40 },
  ]);
});

test('a server that asks to wait is a pause, for the refused task and for those behind it', () => {
  const attempt = ({ id }: Task, number: number): SimulatedAttempt =>
    id === 'a' && number === 1
      ? { durationMs: 10, error: new RunnerError('rate_limited', 'slow', { retryAfterMs: 500 }) }
      : { durationMs: 100 };
  const analysis = run([task('a', 1), task('b', 1, 'x'), task('x', 1)], { attempt });
  expect(analysis.pauses).toEqual([
    { resource: 'simulation', startMs: 10, endMs: 510, code: 'rate_limited' },
  ]);
  expect(textOf(analysis.task('a')?.spans ?? [])).toContain('rate_limit 10–510');
  expect(textOf(analysis.task('b')?.spans ?? []).slice(0, 2)).toEqual([
    'dependency 0–100',
    expect.stringMatching(/^rate_limit 100–/),
  ]);
});

test('a person, a pause of the run and a group are told apart', () => {
  const analysis = run(
    [
      { id: 'ask', description: 'Is it right?', waitFor: 'approval', estimate: { durationMs: 30 } },
      { id: 'group', dependencies: ['ask'], subtasks: [task('in', 20), task('out', 10, 'in')] },
      task('last', 5, 'group'),
    ],
    {
      actions: [
        { atMs: 35, act: (controls) => controls.pause() },
        { atMs: 100, act: (controls) => controls.resume() },
      ],
    },
  );
  expect(textOf(analysis.criticalPath.segments)).toEqual([
    'ask person 0–30',
    'in work 30–50',
    'out paused 50–100',
    'out work 100–110',
    'last work 110–115',
  ]);
  expect(analysis.task('group')).toMatchObject({ kind: 'group', ranMs: 80, state: 'completed' });
  expect(analysis.task('in')).toMatchObject({ parent: 'group', level: 1 });
  expect(textOf(analysis.task('in')?.spans ?? [])).toEqual(['dependency 0–30', 'run 30–50']);
});

test('failures are grouped by cause, with what they led to', () => {
  const attempt = ({ id }: Task): SimulatedAttempt => {
    if (!id.startsWith('bad')) return { durationMs: 10 };
    const message = `request req_${id} failed after ${id.length} ms`;
    return { durationMs: 10, error: new RunnerError('refused', message, { status: 451 }) };
  };
  const tasks = [task('bad1', 1), task('good', 1), task('bad22', 1), task('next', 1, 'bad22')];
  const analysis = run(tasks, { attempt });
  expect(analysis.failures).toEqual([
    {
      code: 'refused',
      status: 451,
      message: 'request req_bad1 failed after 4 ms',
      taskIds: ['bad1', 'bad22'],
      tolerated: 0,
      skipped: 1,
      attempts: 1,
    },
  ]);
  expect(analysis.counts).toMatchObject({ total: 4, failed: 2, completed: 1, skipped: 1 });
});

test.each([
  ['fails the fan-out', '50%', 0],
  ['is tolerated', '30%', 2],
])('a failed item that %s', (_, minSuccess, tolerated) => {
  const attempt = ({ id }: Task): SimulatedAttempt =>
    id === 'each[0]' || id === 'each[1]'
      ? { durationMs: 10, error: new RunnerError('refused', 'no') }
      : { durationMs: 10, output: [1, 2, 3] };
  const each = { ...task('each', 1, 'list'), forEach: { items: 'list', minSuccess } };
  const { failures } = run([task('list', 1), each as Task], { attempt });
  expect(failures).toMatchObject([{ taskIds: ['each[0]', 'each[1]'], tolerated }]);
});

test('streamed words and the calls of tools are noted per attempt', () => {
  const parts = [
    { afterMs: 5, part: { kind: 'text', text: 'one tw' } },
    { afterMs: 6, part: { kind: 'text', text: 'o\nthree' } },
    { afterMs: 7, part: { kind: 'tool_call', callId: '1', tool: 'search', input: { q: 'x' } } },
    {
      afterMs: 9,
      part: { kind: 'tool_result', callId: '1', tool: 'search', ok: true, durationMs: 2 },
    },
  ] as const;
  const [a] = run([task('a', 1)], { attempt: () => ({ durationMs: 10, parts }) }).tasks;
  expect(a?.attempts).toMatchObject([
    {
      streamedWords: 3,
      streamedLetters: 13,
      firstOutputMs: 5,
      tools: [{ tool: 'search', startMs: 7, endMs: 9, ok: true, input: { q: 'x' } }],
    },
  ]);
});

test('a run under way is analysed until now: what runs is on the path', () => {
  const plan = planOf(task('a', 100), task('b', 900), task('c', 1, 'a'), task('d', 1, 'b'));
  const { timeline } = simulate(plan, { strategy: inOrder, maxParallel: 2 });
  const analyzer = new RunAnalyzer();
  for (const event of timeline.slice(0, 5)) analyzer.add(event);
  const analysis = analyzer.analyze({ now: 250 });
  expect(analysis).toMatchObject({ status: 'running', makespanMs: 250 });
  expect(analysis.counts).toMatchObject({ running: 1, completed: 1, ready: 1, pending: 1 });
  expect(textOf(analysis.criticalPath.segments)).toEqual(['b work 0–250']);
  expect(textOf(analysis.task('d')?.spans ?? [])).toEqual(['dependency 0–250']);
});

test('the slowest tasks come first', () => {
  const analysis = run([task('a', 10), task('b', 30), task('c', 20), task('d', 5)]);
  expect(analysis.slowest(2).map(({ id, ranMs }) => [id, ranMs])).toEqual([
    ['b', 30],
    ['c', 20],
  ]);
});

test('the analysis as JSON holds every figure', () => {
  const analysis = run([task('a', 10), task('b', 30, 'a')]);
  const data = JSON.parse(JSON.stringify(analysis)) as RunAnalysis;
  expect(data.tasks[1]).toMatchObject({ id: 'b', startMs: 10, endMs: 40, isCritical: true });
  expect(data.criticalPath.parts).toEqual([{ part: 'work', ms: 40 }]);
  expect(data.metrics.speedup).toBe(1);
});

test.each([
  [[], 'a log begins with run_started'],
  [[{ type: 'run_paused', sequence: 0, timestamp: 0 }], 'a log begins with run_started'],
  [undefined, 'analyzeRun() takes the events of a run, such as result.timeline'],
])('events that are no log are refused', (events, message) => {
  expect(() => analyzeRun(events as RunEvent[])).toThrow(message);
});

test('an unknown id has no task', () => {
  expect(run([task('a', 1)]).task('b')).toBeUndefined();
});
