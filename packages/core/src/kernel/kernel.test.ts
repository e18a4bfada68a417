import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { attemptsIn, byIndex, kernelOf, planOf } from '../../test/kernels.js';
import { RunnerError } from '../contract/errors.js';
import type { Plan } from '../contract/plan.js';
import type { RunView, Strategy, StrategySwitch, TaskView } from '../contract/strategy.js';
import { computeMetrics } from '../state/metrics.js';
import { RunState } from '../state/run-state.js';

describe('a run', () => {
  test('starts tasks without dependencies, then each task when its dependencies have completed', () => {
    const { kernel, commands, types } = kernelOf(planOf({ a: [], b: [], c: ['a', 'b'] }));
    kernel.start(0);
    expect(commands()).toEqual(['start a', 'start b']);
    kernel.completed(0, 1, { output: 'A' }, 10);
    expect(commands()).toEqual([]);
    kernel.completed(1, 1, { output: 'B' }, 20);
    expect(commands()).toEqual(['start c']);
    kernel.completed(2, 1, { output: 'C' }, 30);
    expect(kernel.ended).toBe(true);
    expect(types()).toEqual([
      'run_started',
      'strategy_initialized',
      'task_started a',
      'task_started b',
      'task_completed a',
      'task_completed b',
      'task_started c',
      'task_completed c',
      'run_completed',
    ]);
  });

  test('numbers its events and stamps them with the time of the input', () => {
    const { kernel, events } = kernelOf(planOf({ a: [], b: ['a'], c: ['a'] }), { maxParallel: 1 });
    kernel.start(100);
    kernel.completed(0, 1, { output: 1 }, 130);
    kernel.completed(1, 1, { output: 2 }, 170);
    kernel.completed(2, 1, { output: 3 }, 175);
    expect(events().map((event) => event.sequence)).toEqual(events().map((_, index) => index));
    expect(events().map((event) => event.timestamp)).toEqual([
      100, 100, 100, 130, 130, 170, 170, 175, 175,
    ]);
    expect(events()[6]).toMatchObject({ type: 'task_started', taskId: 'c', level: 1, waitMs: 40 });
    expect(events()[7]).toMatchObject({ type: 'task_completed', taskId: 'c', durationMs: 5 });
    expect(events()[8]).toMatchObject({ type: 'run_completed', durationMs: 75 });
  });

  test('copies the details that a runner reports, and omits the others', () => {
    const { kernel, events } = kernelOf(planOf({ a: [], b: [] }));
    kernel.start(0);
    const usage = { inputTokens: 3, outputTokens: 4 };
    kernel.completed(0, 1, { output: 'x', usage, model: 'm', requestId: 'r', costUsd: 0.5 }, 1);
    kernel.completed(1, 1, { output: undefined }, 1);
    const [first, second] = events().filter((event) => event.type === 'task_completed');
    expect(first).toMatchObject({ usage, model: 'm', requestId: 'r', costUsd: 0.5 });
    expect(Object.keys(second as object)).not.toContain('usage');
  });

  test('never exceeds the cap, although the strategy offers more', () => {
    const { kernel, commands } = kernelOf(planOf({ a: [], b: [], c: [] }), { maxParallel: 2 });
    kernel.start(0);
    expect(commands()).toEqual(['start a', 'start b']);
    kernel.completed(1, 1, { output: 0 }, 1);
    expect(commands()).toEqual(['start c']);
  });
});

describe('a failed task', () => {
  test('skips all its dependents once, with the reason, and lets other tasks continue', () => {
    const { kernel, commands, types, events } = kernelOf(
      planOf({ a: [], b: ['a'], c: ['a', 'b'], d: [], e: ['d'] }),
    );
    kernel.start(0);
    kernel.failed(0, 1, new RunnerError('server_error', 'broken'), 5);
    expect(events().filter((event) => event.type === 'task_skipped')).toMatchObject([
      { taskId: 'b', reason: 'dependency_failed', failedTaskId: 'a' },
      { taskId: 'c', reason: 'dependency_failed', failedTaskId: 'a' },
    ]);
    expect(kernel.ended).toBe(false);
    commands();
    kernel.completed(3, 1, { output: 0 }, 6);
    expect(commands()).toEqual(['start e']);
    kernel.completed(4, 1, { output: 0 }, 7);
    expect(types().at(-1)).toBe('run_failed');
    expect(events().at(-1)).toMatchObject({
      error: { code: 'run_failed', message: 'The run failed. Task "a" failed: broken' },
    });
  });

  test('stops the run with failFast: running tasks are aborted, pending tasks are skipped', () => {
    const { kernel, commands, types } = kernelOf(planOf({ a: [], b: [], c: ['b'], d: [] }), {
      failFast: true,
      maxParallel: 2,
    });
    kernel.start(0);
    commands();
    kernel.failed(0, 1, new Error('no'), 1);
    expect(commands()).toEqual(['abort b']);
    expect(types().slice(4)).toEqual([
      'task_failed a',
      'task_canceled b',
      'task_skipped c',
      'task_skipped d',
      'run_failed',
    ]);
  });
});

describe('an external end', () => {
  test('cancel aborts running tasks, cancels pending tasks and keeps results', () => {
    const { kernel, commands, types, events } = kernelOf(planOf({ a: [], b: [], c: ['b'] }));
    kernel.start(0);
    commands();
    kernel.completed(0, 1, { output: 'A' }, 1);
    kernel.cancel(new Error('enough'), 2);
    expect(commands()).toEqual(['abort b']);
    expect(types().slice(5)).toEqual(['task_canceled b', 'task_canceled c', 'run_canceled']);
    expect(events()[5]).toMatchObject({ reason: 'run_canceled', durationMs: 2, attempt: 1 });
    expect(events()[6]).not.toHaveProperty('durationMs');
    expect(events().at(-1)).toMatchObject({ error: { message: 'The run was canceled: enough' } });
    expect(kernel.state.outputOf(0)).toBe('A');
  });

  test('cancel before the start replaces the start', () => {
    const { kernel, commands, types } = kernelOf(planOf({ a: [] }));
    kernel.cancel(undefined, 0);
    expect(commands()).toEqual([]);
    expect(types()).toEqual(['run_started', 'task_canceled a', 'run_canceled']);
  });

  test('the timeout wakes the kernel and fails the plan', () => {
    const { kernel, commands, events } = kernelOf(planOf({ a: [], b: ['a'] }), { deadlineMs: 50 });
    kernel.start(10);
    commands();
    expect(kernel.nextWake).toBe(60);
    kernel.wake(59);
    expect(kernel.ended).toBe(false);
    kernel.wake(60);
    expect(commands()).toEqual(['abort a']);
    expect(events().at(-1)).toMatchObject({
      type: 'run_failed',
      error: { code: 'deadline_exceeded' },
    });
    expect(kernel.nextWake).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('a strategy', () => {
  const withNext = (next: (ready: TaskView[], now: number) => unknown): Strategy => ({
    name: 'odd',
    begin() {
      const ready: TaskView[] = [];
      return { ready: (task) => ready.push(task), next: (now) => next(ready, now) as TaskView };
    },
  });

  test('is asked again at the time that it returns', () => {
    const strategy = withNext((ready, now) => (now < 100 ? { until: 100 } : ready.shift()));
    const { kernel, commands } = kernelOf(planOf({ a: [] }), { strategy });
    kernel.start(0);
    expect(commands()).toEqual([]);
    expect(kernel.nextWake).toBe(100);
    kernel.wake(100);
    expect(commands()).toEqual(['start a']);
  });

  test.each([
    ['starts nothing while nothing runs', () => undefined, 'started nothing although'],
    [
      'waits for a time in the past',
      (_: TaskView[], now: number) => ({ until: now }),
      'not after now',
    ],
    ['waits for no time at all', () => ({ until: Number.NaN }), 'not after now'],
    ['gives a task twice', (ready: TaskView[]) => ready[0], '"a" that is not ready'],
    ['makes up a task', () => ({ id: 'b', index: 1 }), '"b" that is not ready'],
    ['gives a copy', (ready: TaskView[]) => ({ ...ready[0] }), '"a" that is not ready'],
    ['gives a number', () => 7, 'something that is not ready'],
    [
      'throws',
      () => {
        throw new Error('oops');
      },
      'threw in next(): oops',
    ],
  ])('that %s ends the plan with an error that says so', (_, next, message) => {
    const { kernel, events, types } = kernelOf(planOf({ a: [], b: [], c: ['a'] }), {
      strategy: withNext(next as never),
    });
    kernel.start(0);
    expect(kernel.ended).toBe(true);
    expect(types().at(-1)).toBe('run_failed');
    expect(events().at(-1)).toMatchObject({ error: { code: 'invalid_strategy' } });
    expect((events().at(-1) as { error: Error }).error.message).toContain(message);
    expect(kernel.state.settled).toBe(3);
  });

  test('sees live figures and cannot change them', () => {
    const seen: unknown[] = [];
    const strategy: Strategy = {
      name: 'curious',
      begin(run) {
        const scheduler = byIndex.begin(run);
        return {
          ready: scheduler.ready,
          next(now) {
            seen.push({ ...run });
            return scheduler.next(now);
          },
        };
      },
    };
    const { kernel } = kernelOf(planOf({ a: [], b: [] }), { strategy, maxParallel: 3 });
    kernel.start(0);
    const fixed = { now: 0, maxParallel: 3, totalTasks: 2, remaining: 2 };
    expect(seen).toMatchObject([
      { ...fixed, running: 0, ready: 2 },
      { ...fixed, running: 1, ready: 1 },
    ]);
  });

  /** In order, with a look at the run whenever it is called. */
  const looking = (look: (run: RunView, call: string) => void): Strategy => ({
    name: 'looking',
    begin(run) {
      look(run, 'begin');
      const { ready, next } = byIndex.begin(run);
      return {
        ready(task) {
          look(run, `ready ${task.id}`);
          ready(task);
        },
        next(now) {
          look(run, 'next');
          return next(now);
        },
        settled: (task) => look(run, `settled ${task.id}`),
      };
    },
  });

  test('knows the time of every call', () => {
    const times: string[] = [];
    const strategy = looking((run, call) => times.push(`${call} at ${run.now}`));
    const { kernel } = kernelOf(planOf({ a: [], b: ['a'] }), { strategy });
    kernel.start(5);
    kernel.completed(0, 1, { output: 'A' }, 20);
    kernel.failed(1, 1, new Error('no'), 30);
    expect(times).toEqual([
      'begin at 5',
      'ready a at 5',
      'next at 5',
      'settled a at 20',
      'ready b at 20',
      'next at 20',
      'settled b at 30',
    ]);
  });

  test('may report a switch in any of its methods', () => {
    const figures = { tasksPerSecond: 0.5, averageLatencyMs: 2_000, parallelEfficiency: 1 };
    const change = { from: 'sequential', to: 'parallel', reason: 'it can be', limit: 4, figures };
    const strategy = looking((run, reason) => run.report({ ...change, reason }));
    const { kernel, events } = kernelOf(planOf({ a: [] }), { strategy });
    kernel.start(0);
    kernel.completed(0, 1, { output: 'A' }, 20);
    expect(events().filter(({ type }) => type === 'strategy_switched')).toEqual([
      { type: 'strategy_switched', sequence: 2, timestamp: 0, ...change, reason: 'begin' },
      { type: 'strategy_switched', sequence: 3, timestamp: 0, ...change, reason: 'ready a' },
      { type: 'strategy_switched', sequence: 4, timestamp: 0, ...change, reason: 'next' },
      { type: 'strategy_switched', sequence: 7, timestamp: 20, ...change, reason: 'settled a' },
    ]);
  });

  test('that reports a switch outside a call gets an error, and nothing is logged', () => {
    let late: RunView | undefined;
    const strategy = looking((run) => {
      late = run;
    });
    const { kernel, types } = kernelOf(planOf({ a: [] }), { strategy });
    kernel.start(0);
    const report = () => late?.report({ from: 'a', to: 'b', reason: 'c' });
    expect(report).toThrow('Strategy "looking" reported a switch outside a call');
    expect(types()).not.toContain('strategy_switched');
  });

  test.each([
    [undefined, 'its from must be a string; it is undefined'],
    [{ from: 'a', to: '', reason: 'c' }, 'its to must be a string; it is '],
    [{ from: 'a', to: 'b', reason: 7 }, 'its reason must be a string; it is 7'],
    [{ from: 'a', to: 'b', reason: 'c', resource: 1 }, 'its resource must be a string; it is 1'],
    [{ from: 'a', to: 'b', reason: 'c', limit: 0 }, 'its limit must be an integer ≥ 1'],
    [{ from: 'a', to: 'b', reason: 'c', limit: Number.POSITIVE_INFINITY }, 'it is Infinity'],
    [{ from: 'a', to: 'b', reason: 'c', figures: {} }, 'its tasksPerSecond must be a number'],
    [{ from: 'a', to: 'b', reason: 'c', explanations: 5 }, 'its explanations must be a list'],
    [
      { from: 'a', to: 'b', reason: 'c', explanations: [{ probability: 1 }] },
      'its explanation must be a string; it is undefined',
    ],
    [
      { from: 'a', to: 'b', reason: 'c', explanations: [{ explanation: 'x', probability: 2 }] },
      'its probability must be a number from 0 to 1; it is 2',
    ],
    [
      { from: 'a', to: 'b', reason: 'c', comparison: { expectedLoss: 0, rejectedLimit: 0 } },
      'its rejectedLimit must be an integer ≥ 1; it is 0',
    ],
    [
      { from: 'a', to: 'b', reason: 'c', comparison: { expectedLoss: 0, rejectedLimit: 1 } },
      'its rejectedLoss must be a number from 0 to 1; it is undefined',
    ],
    [
      {
        ...{ from: 'a', to: 'b', reason: 'c' },
        figures: { tasksPerSecond: 1, averageLatencyMs: Number.NaN, parallelEfficiency: 1 },
      },
      'its averageLatencyMs must be a number ≥ 0; it is NaN',
    ],
  ])('that reports %j ends the plan with an error that says so', (change, message) => {
    const strategy = looking((run) => run.report(change as StrategySwitch));
    const { kernel, events } = kernelOf(planOf({ a: [] }), { strategy });
    kernel.start(0);
    const { error } = events().at(-1) as { error: Error };
    expect(error).toMatchObject({ code: 'invalid_strategy' });
    expect(error.message).toContain('reported a switch that cannot be logged: ');
    expect(error.message).toContain(message);
  });

  test('has only the known fields of its switch logged', () => {
    const change = { from: 'a', to: 'b', reason: 'c', apiKey: 'secret' };
    const strategy = looking((run, call) => call === 'begin' && run.report(change));
    const { kernel, events } = kernelOf(planOf({ a: [] }), { strategy });
    kernel.start(0);
    expect(events()[2]).toMatchObject({ type: 'strategy_switched', reason: 'c' });
    expect(events()[2]).not.toHaveProperty('apiKey');
  });

  test('can compute critical paths from its own durations per type', () => {
    const plan: Plan = {
      goal: 'x',
      tasks: [
        { id: 'quick', description: 'x', type: 'observation' },
        { id: 'after quick', description: 'x', type: 'observation', dependencies: ['quick'] },
        { id: 'slow', description: 'x' },
        { id: 'estimated', description: 'x', estimate: { durationMs: 70 } },
      ],
    };
    const seen: [string, number, number][] = [];
    const strategy: Strategy = {
      name: 'learning',
      begin(run) {
        const paths = run.criticalPaths((type) => (type === 'observation' ? 20 : 100));
        const { ready, next } = byIndex.begin(run);
        return {
          ready(task) {
            seen.push([task.id, task.criticalPath, paths(task)]);
            ready(task);
          },
          next,
        };
      },
    };
    const { kernel } = kernelOf(plan, { strategy });
    kernel.start(0);
    kernel.addTasks([{ id: 'added', description: 'x' }], -1, 0, 1);
    expect(seen).toEqual([
      ['quick', 140, 40],
      ['slow', 70, 100],
      ['estimated', 70, 70],
      ['added', 70, 100],
    ]);
  });
});

/** A random plan and what a driver does to it: which running task ends next, and how. */
const scripts = fc.record({
  dependencies: fc.array(fc.array(fc.nat(), { maxLength: 4 }), { minLength: 1, maxLength: 25 }),
  maxParallel: fc.integer({ min: 1, max: 6 }),
  failFast: fc.boolean(),
  steps: fc.array(
    fc.record({
      pick: fc.nat(),
      after: fc.integer({ min: 0, max: 50 }),
      what: fc.constantFrom('complete', 'complete', 'complete', 'fail', 'output'),
    }),
    { maxLength: 60 },
  ),
  cancelAt: fc.option(fc.integer({ min: 0, max: 30 }), { nil: undefined }),
});

type Script = typeof scripts extends fc.Arbitrary<infer T> ? T : never;

/** Drives a kernel by a script, then by completing what is left; checks each state on the way. */
function drive(script: Script) {
  const tasks = script.dependencies.map((wanted, index) => ({
    id: `t${index}`,
    description: 'x',
    dependencies: [...new Set(wanted.map((n) => n % (index + 1)).filter((n) => n < index))].map(
      (n) => `t${n}`,
    ),
  }));
  const { kernel, graph, events } = kernelOf(
    { goal: 'random', tasks },
    { maxParallel: script.maxParallel, failFast: script.failFast },
  );
  const running = new Set<number>();
  let now = 0;
  const check = () => {
    for (const { type, index } of attemptsIn(kernel.commands)) {
      if (type === 'abort') expect(running.delete(index)).toBe(true);
      else {
        graph.eachDependency(index, (dependency) => {
          expect(kernel.state.statusOf(dependency)).toBe('completed');
        });
        running.add(index);
      }
    }
    expect(running.size).toBeLessThanOrEqual(script.maxParallel);
    expect(kernel.state.running).toBe(running.size);
  };
  kernel.start(now);
  check();
  for (let step = 0; !kernel.ended; step++) {
    expect(step).toBeLessThan(10_000);
    const { pick, after, what } = script.steps[step] ?? { pick: step, after: 1, what: 'complete' };
    now += after;
    if (step === script.cancelAt) kernel.cancel('stop', now);
    else {
      const index = [...running][pick % running.size] as number;
      if (what === 'output') kernel.output(index, 1, { kind: 'text', text: 'text' }, now);
      else {
        running.delete(index);
        if (what === 'fail') kernel.failed(index, 1, new Error('no'), now);
        else kernel.completed(index, 1, { output: index }, now);
      }
    }
    check();
  }
  return { kernel, graph, events };
}

test('every run ends, every task has one final status, and the log alone gives the same state', () => {
  fc.assert(
    fc.property(scripts, (script) => {
      const { kernel, graph, events } = drive(script);
      expect(kernel.state.settled).toBe(graph.size);
      expect(kernel.state.running).toBe(0);

      const endings = new Map<string, number>();
      for (const event of events()) {
        if (/^task_(completed|failed|skipped|canceled)$/.test(event.type) && 'taskId' in event) {
          const taskId = event.taskId as string;
          endings.set(taskId, (endings.get(taskId) ?? 0) + 1);
        }
      }
      expect([...endings.values()].every((count) => count === 1)).toBe(true);
      expect(endings.size).toBe(graph.size);
      expect(
        events().filter((event) => /^run_(completed|failed|canceled)$/.test(event.type)),
      ).toHaveLength(1);

      const replayed = new RunState(graph);
      for (const event of events()) replayed.apply(event);
      expect(replayed.status).toBe(kernel.state.status);
      for (let index = 0; index < graph.size; index++) {
        expect(replayed.resultOf(index)).toEqual(kernel.state.resultOf(index));
      }
      const metrics = computeMetrics(events());
      expect(
        metrics.completedTasks + metrics.failedTasks + metrics.skippedTasks + metrics.canceledTasks,
      ).toBe(graph.size);
    }),
    { numRuns: 500 },
  );
});

test('the same inputs give the same log', () => {
  fc.assert(
    fc.property(scripts, (script) => {
      const log = () => JSON.stringify(drive(script).events());
      expect(log()).toBe(log());
    }),
    { numRuns: 100 },
  );
});
