import { describe, expect, test, vi } from 'vitest';
import { eventsOf, inOrder, planOf, runnerOf } from '../../test/runs.js';
import { RunnerError } from '../contract/errors.js';
import type { OutputPart } from '../contract/output-part.js';
import type { TaskRunner } from '../contract/runner.js';
import type { RunView, Strategy, TaskView } from '../contract/strategy.js';
import type { Task } from '../contract/task.js';
import { createExecutor } from '../runtime/executor.js';
import type { SimulatedAttempt, SimulateOptions } from '../simulate/options.js';
import type { SimulatedRequest, SimulatedServer } from '../simulate/server.js';
import { simulate } from '../simulate/simulate.js';

const text = (words: string): OutputPart => ({ kind: 'text', text: words });

const task = (id: string, more: Partial<Task> = {}): Task => ({ id, description: 'x', ...more });

/** In order; does something with what it hears, and is told what it may see. */
function listening(
  hear: (task: TaskView, part: OutputPart, run: RunView) => void,
  looks: Partial<{ ready(task: TaskView): void; next(now: number): void }> = {},
): Strategy {
  return {
    name: 'listening',
    begin(run) {
      const { ready, next } = inOrder.begin(run);
      return {
        ready(view) {
          looks.ready?.(view);
          ready(view);
        },
        next(now) {
          looks.next?.(now);
          return next(now);
        },
        output: (view, part) => hear(view, part, run),
      };
    },
  };
}

/** Writes down when which task said what, and the views that the tasks came with. */
function notebook() {
  const notes: string[] = [];
  const ready = new Set<TaskView>();
  const strategy = listening(
    (view, part, run) => {
      const whose = ready.has(view) ? view.id : 'unknown';
      notes.push(`${run.now} ${whose}: ${part.kind === 'text' ? part.text : part.kind}`);
    },
    { ready: (view) => void ready.add(view) },
  );
  return { strategy, notes };
}

/** An attempt that reports words at these times. */
function saying(durationMs: number, words: Record<number, string>): SimulatedAttempt {
  const parts = Object.entries(words).map(([afterMs, said]) => {
    return { afterMs: Number(afterMs), part: text(said) };
  });
  return { durationMs, parts };
}

const play = (tasks: Task[], options: SimulateOptions) => simulate(planOf(...tasks), options);

/** Answers everything after 100 ms, and brings the half of it after 50. */
function halfway() {
  const inFlight = new Map<SimulatedRequest, { at: number; isHalf: boolean }>();
  const due = () => [...inFlight].toSorted(([, a], [, b]) => a.at - b.at)[0];
  const server: SimulatedServer = {
    get nextAt() {
      return due()?.[1].at ?? Number.POSITIVE_INFINITY;
    },
    start: (request, now) => void inFlight.set(request, { at: now + 50, isHalf: true }),
    abort: (request) => void inFlight.delete(request),
    advance(now) {
      const [request, { isHalf }] = due() as [SimulatedRequest, { isHalf: boolean }];
      if (isHalf) {
        inFlight.set(request, { at: now + 50, isHalf: false });
        return { request, part: text(`half of attempt ${request.attempt}`) };
      }
      inFlight.delete(request);
      return { request, output: 'whole' };
    },
  };
  return server;
}

describe('a strategy that listens', () => {
  test('receives each part when it is reported, with the view of its task', () => {
    const { strategy, notes } = notebook();
    const calls: OutputPart = { kind: 'tool_call', callId: '1', tool: 'look', input: {} };
    const { timeline } = play([task('a'), task('b'), task('c', { dependencies: ['a'] })], {
      strategy,
      attempt: ({ id }) => {
        if (id === 'a') return saying(40, { 30: 'a later', 10: 'a first', 40: 'a last' });
        if (id === 'b') return { durationMs: 50, parts: [{ afterMs: 20, part: calls }] };
        return saying(30, { 0: 'c at once' });
      },
    });
    expect(notes).toEqual([
      '10 a: a first',
      '20 b: tool_call',
      '30 a: a later',
      '40 a: a last',
      '40 c: c at once',
    ]);
    expect(eventsOf({ timeline }, 'task_output')).toHaveLength(5);
  });

  test('receives the parts that a server reports', () => {
    const { strategy, notes } = notebook();
    const { status } = play([task('a'), task('b', { dependencies: ['a'] })], {
      strategy,
      server: halfway(),
    });
    expect(notes).toEqual(['50 a: half of attempt 1', '150 b: half of attempt 1']);
    expect(status).toBe('completed');
  });

  test('receives the output of runners and functions in a real run', async () => {
    const heard: string[] = [];
    const views: TaskView[] = [];
    const strategy = listening(
      (view, part) =>
        void heard.push(`${views.includes(view) && view.id}: ${JSON.stringify(part)}`),
      { ready: (view) => void views.push(view) },
    );
    const runner: TaskRunner = {
      name: 'streaming',
      async run(_, { emit }) {
        await emit('one ');
        await emit({ kind: 'step', step: 1 });
        await emit('two');
        return { output: 'one two' };
      },
    };
    const tasks: Task[] = [
      task('asked'),
      {
        id: 'computed',
        dependencies: ['asked'],
        run(_, { emit }) {
          emit('half');
          return 1;
        },
      },
    ];
    const { status, timeline } = await createExecutor({ strategy, runner }).execute(
      planOf(...tasks),
    );
    expect(status).toBe('completed');
    expect(heard).toEqual([
      'asked: {"kind":"text","text":"one "}',
      'asked: {"kind":"step","step":1}',
      'asked: {"kind":"text","text":"two"}',
      'computed: {"kind":"text","text":"half"}',
    ]);
    expect(eventsOf({ timeline }, 'task_output')).toHaveLength(4);
  });

  test('receives no parts of an ended attempt, and parts of the next one with its own view', () => {
    const heard: [view: TaskView, said: string][] = [];
    const views: TaskView[] = [];
    const strategy = listening(
      (view, part) => void heard.push([view, (part as { text: string }).text]),
      {
        ready: (view) => void views.push(view),
      },
    );
    const { tasks } = play([task('a', { timeoutMs: 50 })], {
      strategy,
      retry: { initialDelayMs: 0 },
      attempt: (_, attempt) => {
        if (attempt === 1) return saying(1_000, { 20: 'first', 70: 'first, too late' });
        if (attempt === 2) {
          const error = new RunnerError('overloaded', 'no capacity');
          return { ...saying(30, { 25: 'second', 40: 'second, too late' }), error };
        }
        return saying(40, { 35: 'third', 41: 'third, too late' });
      },
    });
    expect(tasks[0]).toMatchObject({ status: 'completed', attempts: 3 });
    expect(views).toHaveLength(3);
    expect(heard).toEqual([
      [views[0], 'first'],
      [views[1], 'second'],
      [views[2], 'third'],
    ]);
    for (const [index, [view]] of heard.entries()) expect(view).toBe(views[index]);
  });

  test('receives no parts of requests that were aborted at the server', () => {
    const { strategy, notes } = notebook();
    const { tasks } = play([task('a', { timeoutMs: 40, retry: { maxAttempts: 1 } }), task('b')], {
      strategy,
      server: halfway(),
    });
    expect(tasks.map(({ status }) => status)).toEqual(['failed', 'completed']);
    expect(notes).toEqual(['50 b: half of attempt 1']);
  });

  test('receives no parts of a runner after its timeout', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    try {
      const heard: string[] = [];
      const strategy = listening((_, part) => void heard.push((part as { text: string }).text));
      const emits: ((said: string) => void)[] = [];
      const runner: TaskRunner = {
        name: 'deaf',
        run: (_, { emit }) =>
          new Promise((resolve) => {
            emits.push(emit);
            if (emits.length === 2) setTimeout(() => resolve({ output: 'done' }), 10);
          }),
      };
      const plan = planOf(task('a', { timeoutMs: 50, retry: { initialDelayMs: 0 } }));
      const run = createExecutor({ strategy, runner }).execute(plan);
      await vi.advanceTimersByTimeAsync(40);
      emits[0]?.('first');
      await vi.advanceTimersByTimeAsync(15);
      emits[0]?.('first, too late');
      emits[1]?.('second');
      await vi.advanceTimersByTimeAsync(10);
      emits[1]?.('second, too late');
      // The first attempt never ends: the result waits for it no longer than `abortGraceMs`.
      await vi.advanceTimersByTimeAsync(10_000);
      const { tasks } = await run;
      expect(tasks[0]).toMatchObject({ status: 'completed', attempts: 2 });
      expect(heard).toEqual(['first', 'second']);
    } finally {
      vi.useRealTimers();
    }
  });

  test('receives no parts after a cancellation', () => {
    const { strategy, notes } = notebook();
    const { status } = play([task('a')], {
      strategy,
      attempt: () => saying(100, { 20: 'yes', 30: 'no' }),
      actions: [{ atMs: 25, act: (run) => run.cancel() }],
    });
    expect(status).toBe('canceled');
    expect(notes).toEqual(['20 a: yes']);
  });

  test('knows the time and can report a switch', () => {
    const strategy = listening(({ id }, part, run) => {
      run.report({ from: 'slow', to: 'fast', reason: `${id} ${part.kind} at ${run.now}` });
    });
    const { timeline } = play([task('a')], { strategy, attempt: () => saying(30, { 20: 'word' }) });
    expect(timeline.slice(2).map(({ type, timestamp }) => `${timestamp} ${type}`)).toEqual([
      '0 task_started',
      '20 task_output',
      '20 strategy_switched',
      '30 task_completed',
      '30 run_completed',
    ]);
    expect(eventsOf({ timeline }, 'strategy_switched')).toMatchObject([
      { reason: 'a text at 20', from: 'slow', to: 'fast' },
    ]);
  });

  test('starts held tasks right after the part that released them', () => {
    const strategy: Strategy = {
      name: 'one until it speaks',
      begin(run) {
        const { ready, next } = inOrder.begin(run);
        let hasSpoken = false;
        return {
          ready,
          next: (now) => (run.running > 0 && !hasSpoken ? undefined : next(now)),
          output(_, part) {
            if (part.kind === 'text') hasSpoken = true;
          },
        };
      },
    };
    const notice: OutputPart = { kind: 'notice', source: 'queue', message: 'wait' };
    const { timeline, metrics } = play([task('a'), task('b'), task('c')], {
      strategy,
      attempt: () => ({
        durationMs: 100,
        parts: [
          { afterMs: 10, part: notice },
          { afterMs: 30, part: text('hello') },
        ],
      }),
    });
    const starts = eventsOf({ timeline }, 'task_started');
    expect(starts.map(({ taskId, timestamp }) => [taskId, timestamp])).toEqual([
      ['a', 0],
      ['b', 30],
      ['c', 30],
    ]);
    expect(metrics.executionTimeMs).toBe(130);
  });

  test('that waits is asked when a part is reported, and again at its time', () => {
    const asked: number[] = [];
    const strategy: Strategy = {
      name: 'patient',
      begin(run) {
        const { ready, next } = inOrder.begin(run);
        return {
          ready,
          next(now) {
            asked.push(now);
            return run.running > 0 && now < 50 ? { until: 50 } : next(now);
          },
          output() {},
        };
      },
    };
    const { timeline } = play([task('a'), task('b')], {
      strategy,
      attempt: () => saying(100, { 20: 'word' }),
    });
    expect(asked).toEqual([0, 0, 20, 50]);
    expect(eventsOf({ timeline }, 'task_started').map(({ timestamp }) => timestamp)).toEqual([
      0, 50,
    ]);
  });

  const speaking = { attempt: () => saying(100, { 20: 'word' }) };

  test('that throws in output() ends the run with a clear error', () => {
    const strategy = listening(() => {
      throw new Error('oops');
    });
    const { status, error, tasks, timeline } = play([task('a')], { strategy, ...speaking });
    expect(status).toBe('failed');
    expect(error).toMatchObject({
      name: 'StrategyError',
      code: 'invalid_strategy',
      message: 'Strategy "listening" threw in output(): oops',
      cause: { message: 'oops' },
    });
    expect(tasks[0]).toMatchObject({ status: 'canceled', reason: 'invalid_strategy' });
    expect(timeline.at(-1)?.timestamp).toBe(20);
  });

  test('that returns a promise from output() ends the run with a clear error', () => {
    const strategy = listening((() => Promise.resolve()) as () => void);
    const { error } = play([task('a')], { strategy, ...speaking });
    expect(error).toMatchObject({
      code: 'invalid_strategy',
      message: 'Strategy "listening" threw in output(): it is asynchronous and must be synchronous',
    });
  });
});

describe('a strategy that does not listen', () => {
  test('makes the same choices, and is asked no more often, when attempts report output', () => {
    const asked: number[] = [];
    const strategy: Strategy = {
      name: 'deaf',
      maxParallel: 2,
      begin(run) {
        const { ready, next } = inOrder.begin(run);
        return {
          ready,
          next(now) {
            asked.push(now);
            return run.running > 0 && now % 100 < 50
              ? { until: now - (now % 100) + 50 }
              : next(now);
          },
        };
      },
    };
    const tasks = [task('a'), task('b'), task('c', { dependencies: ['a'] }), task('d')];
    const timelineOf = (attempt: SimulatedAttempt) =>
      play(tasks, { strategy, attempt: () => attempt }).timeline.flatMap((event) => {
        return event.type === 'task_output' ? [] : { ...event, sequence: 0 };
      });
    const silent = timelineOf({ durationMs: 100 });
    const askedInSilence = asked.splice(0);
    expect(timelineOf(saying(100, { 10: 'some ', 20: 'words' }))).toEqual(silent);
    expect(asked).toEqual(askedInSilence);
  });

  test('lets attempts report output in a real run', async () => {
    const { runner } = runnerOf();
    const speaking: TaskRunner = {
      ...runner,
      run(request, context) {
        context.emit('word');
        return runner.run(request, context);
      },
    };
    const executor = createExecutor({ strategy: inOrder, runner: speaking });
    const { status, timeline } = await executor.execute(planOf(task('a')));
    expect(status).toBe('completed');
    expect(eventsOf({ timeline }, 'task_output')).toMatchObject([{ kind: 'text', text: 'word' }]);
  });
});
