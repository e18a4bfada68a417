import { setImmediate } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { crashed, logOf } from '../../test/journals.js';
import { chain, completed, executor, logUntil, runner } from '../../test/recorded-runs.js';
import { deferred, eventsOf, no, planOf, statuses, taskOf } from '../../test/runs.js';
import { RunnerError } from '../contract/errors.js';
import type { RunEvent } from '../contract/event.js';
import type { EventData } from '../contract/journal.js';
import type { Plan } from '../contract/plan.js';
import type { Task } from '../contract/task.js';
import type { ExecutorOptions } from '../runtime/executor-options.js';
import type { RunOptions } from '../runtime/options.js';
import { memoryJournal } from './memory-journal.js';

const started = (taskId: string) => (event: EventData) =>
  event.type === 'task_started' && event.taskId === taskId;

describe('a resumed run', () => {
  test('keeps completed tasks and restarts attempts in flight as the same attempts', async () => {
    const first = runner();
    const log = await logUntil(chain, started('b'), { runner: first });
    const second = runner({ b: 'from b' });
    const result = await executor({ journal: await crashed(log), runner: second }).resume('one');
    expect(result.status).toBe('completed');
    expect({ ...result.outputs }).toEqual({ a: 'A!', b: 'from b', c: 'C from b!' });
    expect(second.asked).toEqual([
      ['b', 1, 'one/b/1'],
      ['c', 1, 'one/c/1'],
    ]);
    expect(first.asked).toContainEqual(['b', 1, 'one/b/1']);
    const [resumed] = eventsOf(result, 'run_resumed');
    expect(resumed).toMatchObject({ restarted: ['b'], sequence: log.length });
    expect(result.timeline.map(({ sequence }) => sequence)).toEqual(
      result.timeline.map((_, index) => index),
    );
    expect(taskOf(result, 'b').attempts).toBe(1);
    expect(result.metrics.attempts).toBe(3);
  });

  test('publishes new events to listeners and all events to readers', async () => {
    const log = await logUntil(chain, completed('b'), { runner: runner() });
    const journal = await crashed(log);
    const heard: string[] = [];
    const onEvent = ({ type }: RunEvent) => void heard.push(type);
    const run = executor({ journal, runner: runner(), onEvent }).resume('one');
    const read: number[] = [];
    for await (const { sequence } of run) read.push(sequence);
    expect(heard.slice(0, 2)).toEqual(['run_resumed', 'strategy_initialized']);
    expect(read).toEqual((await logOf(journal, 'one')).map(({ sequence }) => sequence));
    const streamed: string[] = [];
    const again = executor({ journal: await crashed(log), runner: runner(), timeline: 'stream' });
    for await (const { type } of again.resume('one')) streamed.push(type);
    expect(streamed).toEqual(heard);
  });

  test('does not count its downtime', async () => {
    const log = await logUntil(chain, completed('b'), { runner: runner() });
    const longAgo = log.map((event) => ({ ...event, timestamp: event.timestamp - 3_600_000 }));
    const options = { journal: await crashed(longAgo), runner: runner() };
    const limits = { deadlineMs: 60_000, budget: { wallTimeMs: 60_000 } };
    const result = await executor({ ...options, ...limits }).resume('one', limits);
    expect(result.status).toBe('completed');
    expect(eventsOf(result, 'run_resumed')[0]?.downtimeMs).toBeGreaterThanOrEqual(3_600_000);
    expect(result.metrics.executionTimeMs).toBeLessThan(60_000);
    expect(result.metrics.maxQueueWaitMs).toBeLessThan(60_000);
    expect(eventsOf(result, 'run_completed')[0]?.durationMs).toBeLessThan(60_000);
  });

  test('keeps time monotonic when the clock was set back', async () => {
    const log = await logUntil(chain, completed('b'), { runner: runner() });
    const later = log.map((event) => ({ ...event, timestamp: event.timestamp + 3_600_000 }));
    const options = { journal: await crashed(later), runner: runner() };
    const { status, timeline } = await executor(options).resume('one');
    expect(status).toBe('completed');
    const times = timeline.map(({ timestamp }) => timestamp);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  test('returns its result at once and without its plan if it was complete', async () => {
    const journal = memoryJournal();
    const plan = planOf({ id: 'a', run: () => 1 });
    const whole = await executor({ journal }).execute(plan, { runId: 'one' });
    const before = await logOf(journal, 'one');
    const again = await executor({ journal }).resume('one');
    expect(JSON.parse(JSON.stringify(again))).toEqual(JSON.parse(JSON.stringify(whole)));
    expect(await logOf(journal, 'one')).toEqual(before);
    await (await journal.open('one')).close();
  });

  test('returns the same error if it had failed', async () => {
    const journal = memoryJournal();
    const whole = await executor({ journal }).execute(planOf({ id: 'a', run: no }), {
      runId: 'one',
    });
    const again = await executor({ journal }).resume('one');
    expect(again.status).toBe('failed');
    expect(again.error).toMatchObject({ code: 'run_failed', message: whole.error?.message });
    expect(taskOf(again, 'a').error).toMatchObject({ code: 'task_failed', taskId: 'a' });
  });

  test('can be canceled, paused and given a higher cap before it continues', async () => {
    const log = await logUntil(chain, completed('a'), { runner: runner() });
    const canceled = executor({ journal: await crashed(log), runner: runner() }).resume('one');
    canceled.cancel('no more');
    expect(statuses(await canceled)).toEqual({ a: 'completed', b: 'canceled', c: 'canceled' });
    const paused = executor({ journal: await crashed(log), runner: runner() }).resume('one');
    paused.pause();
    paused.setMaxParallel(3);
    await setImmediate();
    await setImmediate();
    paused.resume();
    const { status, timeline } = await paused;
    expect(status).toBe('completed');
    const types = timeline.slice(log.length).map(({ type }) => type);
    expect(types.slice(0, 4)).toEqual([
      'run_resumed',
      'strategy_initialized',
      'run_paused',
      'run_unpaused',
    ]);
    expect(timeline[log.length + 1]).toMatchObject({ maxParallel: 3 });
  });

  test('stays paused, with the cap that was set', async () => {
    const log = await logUntil(chain, ({ type }) => type === 'run_paused', {
      runner: runner(),
      act(run) {
        run.pause();
        run.setMaxParallel(2);
      },
    });
    const journal = await crashed(log);
    const run = executor({ journal, runner: runner() }).resume('one');
    await setImmediate();
    await setImmediate();
    const types = (await logOf(journal, 'one')).slice(log.length).map(({ type }) => type);
    expect(types).toEqual(['run_resumed', 'strategy_initialized']);
    expect((await logOf(journal, 'one')).at(-1)).toMatchObject({ maxParallel: 2 });
    run.resume();
    expect((await run).status).toBe('completed');
  });

  test('asks its open questions again and accepts answers', async () => {
    const plan = planOf(
      { id: 'ask', description: 'Well?', waitFor: { kind: 'approval', timeoutMs: 60_000 } },
      { id: 'after', description: 'go {{ask}}', dependencies: ['ask'] },
    );
    const log = await logUntil(plan, ({ type }) => type === 'task_waiting', { runner: runner() });
    const run = executor({ journal: await crashed(log), runner: runner() }).resume('one');
    await run.approve('ask');
    const { outputs, timeline } = await run;
    expect({ ...outputs }).toEqual({ ask: true, after: 'go true!' });
    expect(eventsOf({ timeline }, 'task_waiting')).toHaveLength(1);
  });

  test('waits for a retry only for the remaining delay, and counts earlier attempts', async () => {
    const plan = planOf({
      id: 'a',
      description: 'A',
      retry: { maxAttempts: 2, initialDelayMs: 50_000 },
    });
    const failing = runner({
      a: new RunnerError('server_error', 'wait', { retryAfterMs: 60_000 }),
    });
    const log = await logUntil(plan, ({ type }) => type === 'task_retrying', { runner: failing });
    const anHourAgo = log.map((event) => ({ ...event, timestamp: event.timestamp - 3_600_000 }));
    const second = runner({ a: new RunnerError('overloaded', 'no') });
    const result = await executor({ journal: await crashed(anHourAgo), runner: second }).resume(
      'one',
    );
    expect(second.asked).toEqual([['a', 2, 'one/a/2']]);
    expect(taskOf(result, 'a')).toMatchObject({ status: 'failed', attempts: 2 });
  });

  test('does not count refusals from before', async () => {
    const plan = planOf({
      id: 'a',
      description: 'A',
      retry: { maxAttempts: 2, initialDelayMs: 0 },
    });
    const refusing = runner({
      a: new RunnerError('rate_limited', 'wait', { retryAfterMs: 60_000 }),
    });
    const log = await logUntil(plan, ({ type }) => type === 'task_retrying', { runner: refusing });
    const anHourAgo = log.map((event) => ({ ...event, timestamp: event.timestamp - 3_600_000 }));
    const second = runner({ a: new RunnerError('overloaded', 'no') });
    await executor({ journal: await crashed(anHourAgo), runner: second }).resume('one');
    expect(second.asked.map(([, attempt]) => attempt)).toEqual([2, 3]);
  });

  test('keeps its spending and its budget', async () => {
    const usage = { inputTokens: 60, outputTokens: 0 };
    const paid = { name: 'paid', run: async () => ({ output: 1, usage, costUsd: 0.5 }) };
    const plan = planOf(
      { id: 'a', description: 'A' },
      { id: 'b', description: 'B', dependencies: ['a'] },
      { id: 'c', description: 'C', dependencies: ['b'] },
    );
    const options = { runner: paid, budget: { tokens: 130 } };
    const log = await logUntil(plan, completed('a'), options);
    const journal = await crashed(log);
    const result = await executor({ journal, runner: paid }).resume('one');
    expect(statuses(result)).toEqual({ a: 'completed', b: 'completed', c: 'skipped' });
    expect([result.error?.code, result.metrics.costUsd]).toEqual(['budget_exceeded', 1]);
    const wider = executor({ journal: await crashed(log), runner: paid });
    const { status, metrics } = await wider.resume('one', { budget: { tokens: 500 } });
    expect([status, metrics.usage.inputTokens]).toEqual(['completed', 180]);
  });

  test('keeps the spending and the budget of each resource, under a changed plan as well', async () => {
    const usage = { inputTokens: 60, outputTokens: 0 };
    const paid = { name: 'paid', run: async () => ({ output: 1, usage }) };
    const chain = (...ids: string[]) =>
      planOf(
        ...ids.map((id, n) => ({
          id,
          description: id,
          dependencies: n === 0 ? [] : [ids[n - 1] as string],
        })),
      );
    const plan = chain('a', 'b', 'c');
    const options = { runner: paid, budget: { resources: { paid: { tokens: 130 } } } };
    const log = await logUntil(plan, completed('a'), options);
    const result = await executor({ journal: await crashed(log), runner: paid }).resume('one');
    expect(statuses(result)).toEqual({ a: 'completed', b: 'completed', c: 'skipped' });
    expect(result.error?.message).toContain('the budget of resource "paid" of 130');

    const changed = { plan: chain('a', 'b', 'd'), acceptChanges: true };
    const journal = await crashed(log);
    const adopted = await executor({ journal, runner: paid }).resume('one', changed);
    expect(statuses(adopted)).toEqual({ a: 'completed', b: 'completed', d: 'skipped' });
    expect(adopted.error?.message).toContain('has 120 used');
    const recorded = await logOf(journal, 'one');
    expect(recorded.findLast(({ type }) => type === 'run_started')).toMatchObject({
      spentBefore: { resources: { paid: { usage: { inputTokens: 60 }, reports: 1 } } },
    });
  });

  test('keeps its limits unless others are given', async () => {
    const plan = planOf({ id: 'a', run: no }, { id: 'b', description: 'B' });
    const slow = { name: 'slow', run: () => new Promise<never>(() => {}) };
    const log = await logUntil(plan, started('a'), {
      runner: slow,
      failFast: true,
      maxParallel: 1,
    });
    const resume = async (options: RunOptions, defaults: RunOptions = {}) => {
      const journal = await crashed(log);
      const run = executor({ journal, runner: runner(), ...defaults });
      return statuses(await run.resume('one', { plan, ...options }));
    };
    expect(await resume({})).toEqual({ a: 'failed', b: 'skipped' });
    expect(await resume({}, { failFast: false })).toEqual({ a: 'failed', b: 'skipped' });
    expect(await resume({ failFast: false })).toEqual({ a: 'failed', b: 'completed' });
  });

  test('does not add tasks twice that an attempt added before the crash', async () => {
    const end = deferred();
    const add: Task['run'] = async (_, { addTasks }) => {
      addTasks([{ id: 'more', description: 'More' }]);
      addTasks([{ id: 'most', description: 'Most', dependencies: ['more'] }]);
      await end.promise;
    };
    const plan = planOf({ id: 'a', run: add });
    const log = await logUntil(plan, completed('more'), { runner: runner() });
    end.resolve();
    const journal = await crashed(log);
    const result = await executor({ journal, runner: runner() }).resume('one', { plan });
    expect(statuses(result)).toEqual({ a: 'completed', more: 'completed', most: 'completed' });
    expect(eventsOf(result, 'tasks_added')).toHaveLength(2);
    expect(
      eventsOf(result, 'task_completed').filter(({ taskId }) => taskId === 'more'),
    ).toHaveLength(1);
  });

  test('recreates the elements of a fan-out from the recorded list of a function', async () => {
    const lists = vi.fn(() => ['x', 'y', 'z']);
    const plan = planOf({
      id: 'each',
      forEach: lists,
      subtasks: [
        { id: 'up', run: ({ item }) => item.toUpperCase() },
        { id: 'twice', dependencies: ['up'], run: ({ up, item }) => up + item },
      ],
    });
    const log = await logUntil(plan, completed('each[1].up'), { maxParallel: 1 });
    lists.mockImplementation(() => ['other']);
    const result = await executor({ journal: await crashed(log) }).resume('one', { plan });
    expect(result.status).toBe('completed');
    expect(lists).toHaveBeenCalledOnce();
    expect(result.outputs.each).toMatchObject([
      { output: { up: 'X', twice: 'Xx' } },
      { output: { up: 'Y', twice: 'Yy' } },
      { output: { up: 'Z', twice: 'Zz' } },
    ]);
  });
});

describe('a log that ends in the middle of a step', () => {
  test.each<[string, Partial<ExecutorOptions>, string]>([
    ['of being canceled', {}, 'run_canceled'],
    ['of running out of time', { deadlineMs: 1 }, 'deadline_exceeded'],
  ])('%s reaches that end', async (_, options, code) => {
    const never = { name: 'never', run: () => new Promise<never>(() => {}) };
    const plan = planOf({ id: 'a', description: 'A' }, { id: 'b', description: 'B' });
    const journal = memoryJournal();
    const run = executor({ journal, runner: never, ...options }).execute(plan, { runId: 'one' });
    await setImmediate();
    if (options.deadlineMs === undefined) run.cancel();
    await run;
    const log = await logOf(journal, 'one');
    const cut = log.slice(0, log.findIndex(({ type }) => type === 'task_canceled') + 1);
    const resumed = executor({ journal: await crashed(cut), runner: runner() }).resume('one');
    const { status, error, tasks, timeline } = await resumed;
    expect(error?.code).toBe(code);
    expect(statuses({ tasks })).toEqual({ a: 'canceled', b: 'canceled' });
    expect(
      timeline.filter(({ type }) => type === 'run_canceled' || type === 'run_failed'),
    ).toHaveLength(1);
    expect(status).toBe(code === 'run_canceled' ? 'canceled' : 'failed');
  });
});

test('a goal that was reached after a failure stopped the run is checked once', async () => {
  const plan: Plan = {
    ...planOf({ id: 'a', run: () => 1 }, { id: 'b', dependencies: ['a'], run: no }),
    goalState: { criteria: [{ count: 'outputs.*', operator: '>=', value: 1 }] },
    goalCheckInterval: 9,
  };
  for (const last of ['goal_checked', 'goal_achieved']) {
    const log = await logUntil(plan, ({ type }) => type === last, { failFast: true });
    const result = await executor({ journal: await crashed(log) }).resume('one', { plan });
    expect(result.status).toBe('completed');
    expect(eventsOf(result, 'goal_checked')).toHaveLength(1);
    expect(eventsOf(result, 'goal_achieved')).toHaveLength(1);
  }
});

describe('a round of re-planning', () => {
  const plan = planOf({ id: 'a', run: no });
  const until = async (isLast: (event: EventData) => boolean, revise: () => unknown) =>
    logUntil(plan, isLast, { runner: runner(), replan: { revise: revise as never } });

  test('is requested again if it was in flight', async () => {
    const log = await until(
      ({ type }) => type === 'replan_started',
      () => new Promise(() => {}),
    );
    const rounds: number[] = [];
    const result = await executor({
      journal: await crashed(log),
      runner: runner(),
      replan: {
        revise({ round, remaining, failed }) {
          rounds.push(round, remaining.rounds, failed.length);
          return [{ id: 'instead', description: 'Instead' }];
        },
      },
    }).resume('one', { plan });
    expect([result.status, rounds]).toEqual(['completed', [1, 2, 1]]);
    expect(result.metrics.replanRounds).toBe(1);
    expect(statuses(result)).toEqual({ a: 'failed', instead: 'completed' });
  });

  test('fails if it was in flight and the resumed run has no planner', async () => {
    const log = await until(
      ({ type }) => type === 'replan_started',
      () => new Promise(() => {}),
    );
    const options = { journal: await crashed(log), runner: runner() };
    const { status, error, timeline } = await executor(options).resume('one', { plan });
    expect([status, error?.code]).toEqual(['failed', 'run_failed']);
    expect(eventsOf({ timeline }, 'replan_failed')).toHaveLength(1);
  });

  test('replaces no failure if its tasks were lost', async () => {
    const revise = () => [{ id: 'instead', description: 'Instead' }];
    const log = await until(({ type }) => type === 'replan_completed', revise);
    const options = { journal: await crashed(log), runner: runner() };
    const { status, tasks } = await executor(options).resume('one', { plan });
    expect([status, statuses({ tasks })]).toEqual(['failed', { a: 'failed' }]);
  });

  test('keeps its tasks and its replaced failures if it had ended', async () => {
    const revise = () => [{ id: 'instead', description: 'Instead' }];
    const log = await until(({ type }) => type === 'tasks_added', revise);
    const options = { journal: await crashed(log), runner: runner() };
    const result = await executor(options).resume('one', { plan });
    expect(result.status).toBe('completed');
    expect(taskOf(result, 'a').replacedInRound).toBe(1);
  });
});

describe('resume', () => {
  test('rejects an unknown run and one that is under way', async () => {
    const journal = memoryJournal();
    await expect(executor({ journal }).resume('one')).rejects.toMatchObject({
      code: 'run_not_found',
    });
    const end = deferred();
    const run = executor({ journal }).execute(planOf({ id: 'a', run: () => end.promise }), {
      runId: 'one',
    });
    await setImmediate();
    const second = executor({ journal }).resume('one');
    await expect(second.result).rejects.toMatchObject({ code: 'run_locked' });
    await expect(second[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 'run_locked',
    });
    await expect(second.approve('a')).rejects.toMatchObject({ code: 'run_locked' });
    end.resolve();
    expect((await run).status).toBe('completed');
  });

  test('requires a journal, an id and known options', () => {
    expect(() => executor().resume('one')).toThrow('resume() requires the journal');
    const { resume } = executor({ journal: memoryJournal() });
    expect(() => resume('a/b')).toThrow('runId must have letters');
    expect(() => resume('one', { retryfailed: true } as never)).toThrow(
      'Did you mean "retryFailed"',
    );
    expect(() => resume('one', { acceptChanges: true })).toThrow(
      'acceptChanges requires the changed plan',
    );
  });

  test('requires the plan when incomplete tasks have functions', async () => {
    const plan = planOf(
      { id: 'done', run: () => 1 },
      { id: 'a', dependencies: ['done'], run: () => 1, when: () => true },
      { id: 'b', dependencies: ['a'], description: 'B' },
      {
        id: 'each',
        forEach: 'done',
        dependencies: ['done'],
        subtasks: [{ id: 'x', prompt: () => 'X' }],
      },
    );
    const log = await logUntil(plan, completed('done'), { runner: runner() });
    const journal = await crashed(log);
    const run = executor({ journal, runner: runner() }).resume('one');
    await expect(run).rejects.toMatchObject({ code: 'plan_required' });
    await expect(run).rejects.toThrow('It is needed for "a" (run, when), "x" (prompt)');
    await (await journal.open('one')).close();
  });

  test('requires added tasks that have functions', async () => {
    const plan = planOf({ id: 'a', description: 'A' });
    const slow = { name: 'slow', run: () => new Promise<never>(() => {}) };
    const more = { id: 'more', dependencies: ['a'], run: () => 'more' };
    const log = await logUntil(plan, ({ type }) => type === 'tasks_added', {
      runner: slow,
      act: (run) => run.addTasks([more]),
    });
    const run = executor({ journal: await crashed(log), runner: runner() }).resume('one');
    await expect(run).rejects.toThrow('Pass them as `addedTasks`: "more" (run)');
    const again = executor({ journal: await crashed(log), runner: runner() });
    const { outputs } = await again.resume('one', { addedTasks: [more] });
    expect({ ...outputs }).toEqual({ a: 'A!', more: 'more' });
  });

  test('starts a run that was created and never started', async () => {
    const journal = await crashed([]);
    await expect(executor({ journal, runner: runner() }).resume('one')).rejects.toMatchObject({
      code: 'plan_required',
    });
    const { status } = await executor({ journal, runner: runner() }).resume('one', { plan: chain });
    expect(status).toBe('completed');
  });

  test.each<[string, (log: EventData[]) => EventData[]]>([
    ['begins in the middle', (log) => log.slice(1)],
    [
      'has no plan',
      ([first, ...log]) => [{ ...(first as EventData), plan: { goal: 'x' } }, ...log],
    ],
    [
      'has a task that is not there',
      (log) => log.map((event) => (event.taskId ? { ...event, taskId: 'z' } : event)),
    ],
    [
      'does not say which task has completed',
      (log) =>
        log.map((event) => {
          const { taskId, ...rest } = event;
          return event.type === 'task_completed' ? rest : event;
        }),
    ],
    [
      'has a value of an unknown kind',
      (log) => log.map((event) => (event.output ? { ...event, output: { $: 'x' } } : event)),
    ],
  ])('rejects a log that %s', async (_, damage) => {
    const log = damage(await logUntil(chain, completed('b'), { runner: runner() }));
    const journal = await crashed(log);
    const run = executor({ journal, runner: runner() }).resume('one');
    await expect(run).rejects.toMatchObject({ code: 'journal_corrupt', runId: 'one' });
    await (await journal.open('one')).close();
  });
});

test('a run that a newer version has written is not changed', async () => {
  const log = await logUntil(chain, completed('a'), { runner: runner() });
  const journal = await crashed([
    ...log,
    { type: 'task_dreamt', sequence: 99, timestamp: 0 } as never,
  ]);
  const run = executor({ journal, runner: runner() }).resume('one');
  await expect(run).rejects.toMatchObject({ code: 'journal_newer', runId: 'one' });
  await expect(run).rejects.toThrow('"task_dreamt", which a newer version writes');
  await (await journal.open('one')).close();
});
