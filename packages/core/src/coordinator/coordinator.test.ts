import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { deferred, inOrder } from '../../test/runs.js';
import { journalErrors } from '../contract/journal-error.js';
import type { Plan } from '../contract/plan.js';
import { createPlan } from '../contract/plan-builder.js';
import { inputsSchema } from '../contract/plan-inputs.js';
import type { RunQueue } from '../contract/run-queue.js';
import type { TaskRunner } from '../contract/runner.js';
import { parsePlanDocument } from '../document/parse.js';
import { memoryRunQueue } from '../journal/memory-run-queue.js';
import { createExecutor } from '../runtime/executor.js';
import { type CoordinatorOptions, startCoordinator } from './coordinator.js';
import { submitRun } from './submit-run.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Answers each task after a second, and notes who did it. */
function slowRunner(done: string[], name = 'one'): TaskRunner {
  return {
    name,
    async run({ taskId, prompt }, { runId, signal }) {
      await new Promise<void>((resolve, reject) => {
        setTimeout(resolve, 1_000);
        signal.addEventListener('abort', () => reject(signal.reason));
      });
      done.push(`${name}: ${runId} ${taskId}`);
      return { output: prompt };
    },
  };
}

const steps = (goal: string) =>
  createPlan(goal)
    .addTask({ id: 'first', description: 'Do it' })
    .addTask({ id: 'second', description: 'Do more', dependencies: ['first'] });

function setUp(more: Partial<CoordinatorOptions> & { readonly name?: string } = {}) {
  const { name, ...given } = more;
  const queue = given.queue ?? memoryRunQueue();
  const done: string[] = [];
  const errors: string[] = [];
  const executor = createExecutor({ strategy: inOrder, runner: slowRunner(done, name) });
  const coordinator = startCoordinator({
    executor,
    onError: (error, runId) => errors.push(`${runId}: ${(error as Error).message}`),
    ...given,
    queue,
  });
  return { queue, done, errors, coordinator };
}

async function statusOf(queue: RunQueue): Promise<Record<string, string>> {
  return Object.fromEntries((await queue.list()).map(({ id, status }) => [id, status]));
}

test('queued runs are carried out, at most so many at once', async () => {
  const { queue, done, errors, coordinator } = setUp({ maxRuns: 2 });
  for (const runId of ['a', 'b', 'c']) await submitRun(queue, steps('Work'), { runId });
  await vi.advanceTimersByTimeAsync(1_500);
  expect(coordinator.runs).toEqual(['a', 'b']);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(done).toEqual(
    ['a first', 'b first', 'a second', 'b second', 'c first', 'c second'].map(
      (each) => `one: ${each}`,
    ),
  );
  expect(await statusOf(queue)).toEqual({ a: 'completed', b: 'completed', c: 'completed' });
  expect(coordinator.runs).toEqual([]);
  expect(errors).toEqual([]);
  await coordinator.stop();
});

test('a run of a coordinator that is stopped is taken over at once, and no task is repeated', async () => {
  const one = setUp();
  await submitRun(one.queue, steps('Work'), { runId: 'a' });
  await vi.advanceTimersByTimeAsync(1_500);
  const two = setUp({ queue: one.queue, name: 'two' });
  const stopped = one.coordinator.stop();
  await vi.advanceTimersByTimeAsync(1_500);
  await stopped;
  expect([...one.done, ...two.done]).toEqual(['one: a first', 'two: a second']);
  expect(await statusOf(one.queue)).toEqual({ a: 'completed' });
  await two.coordinator.stop();
});

test('a run that is claimed while its coordinator stops does not begin there', async () => {
  const inner = memoryRunQueue();
  const gate = deferred();
  const queue: RunQueue = {
    ...inner,
    async requests(runIds) {
      await gate.promise;
      return inner.requests(runIds);
    },
  };
  const { done, errors, coordinator } = setUp({ queue });
  await submitRun(queue, steps('Work'), { runId: 'a' });
  await vi.advanceTimersByTimeAsync(500);
  expect(coordinator.runs).toEqual(['a']);
  const stopped = coordinator.stop();
  await vi.advanceTimersByTimeAsync(500);
  gate.resolve();
  await vi.advanceTimersByTimeAsync(500);
  await stopped;
  expect([done, errors]).toEqual([[], []]);
  expect(await statusOf(queue)).toEqual({ a: 'queued' });
  const two = setUp({ queue: inner, name: 'two' });
  await vi.advanceTimersByTimeAsync(3_000);
  expect(await statusOf(queue)).toEqual({ a: 'completed' });
  await two.coordinator.stop();
});

test('a coordinator that drains finishes the attempts in flight', async () => {
  const { queue, done, coordinator } = setUp();
  await submitRun(queue, steps('Work'), { runId: 'a' });
  await vi.advanceTimersByTimeAsync(500);
  const stopped = coordinator.stop({ drain: true });
  await vi.advanceTimersByTimeAsync(500);
  await stopped;
  expect(done).toEqual(['one: a first']);
  expect(await statusOf(queue)).toEqual({ a: 'interrupted' });
});

test('inputs, options and schemas of a submitted plan apply, also after a takeover', async () => {
  const { plan } = parsePlanDocument({
    goal: 'Report on {{inputs.company}}',
    inputs: { company: { type: 'string' }, year: { type: 'integer', default: 2026 } },
    tasks: [
      { id: 'first', description: 'Find {{inputs.company}} in {{inputs.year}}' },
      {
        id: 'second',
        description: 'Count',
        dependencies: ['first'],
        outputSchema: { type: 'integer' },
      },
    ],
  });
  const one = setUp();
  const options = { runId: 'a', inputs: { company: 'Apple' }, retry: { maxAttempts: 1 } };
  await submitRun(one.queue, plan, options);
  await vi.advanceTimersByTimeAsync(1_500);
  const stopped = one.coordinator.stop();
  const two = setUp({ queue: one.queue, name: 'two' });
  await vi.advanceTimersByTimeAsync(2_500);
  await stopped;
  await two.coordinator.stop();
  const events = [];
  for await (const event of one.queue.read('a')) events.push(event);
  expect(events.find(({ taskId, output }) => taskId === 'first' && output)?.output).toBe(
    'Find Apple in 2026',
  );
  // A text is no integer, and the option allows one attempt.
  expect(events.filter(({ type }) => type === 'task_retrying')).toEqual([]);
  expect(events.find(({ type }) => type === 'task_failed')).toMatchObject({
    taskId: 'second',
    error: { code: 'invalid_output' },
  });
  expect([...one.errors, ...two.errors]).toEqual([]);
});

test('a plan with functions runs where it is known, and waits elsewhere', async () => {
  const plan = createPlan('Compute').addTask({ id: 'sum', run: async () => 42 });
  const without = setUp();
  await submitRun(without.queue, plan, { runId: 'a' });
  await vi.advanceTimersByTimeAsync(900);
  expect(without.errors).toEqual([
    'a: Run "a" cannot start here: its task "sum" has a function (run). Give the plan to this coordinator in `plans`',
  ]);
  expect(await statusOf(without.queue)).toEqual({ a: 'queued' });
  await vi.advanceTimersByTimeAsync(10_000);
  // After 1, 2, 4 and 8 seconds.
  expect(without.errors.length).toBe(4);
  await without.coordinator.stop();
  const withPlan = setUp({ queue: without.queue, plans: [plan] });
  await vi.advanceTimersByTimeAsync(8_000);
  expect(await statusOf(without.queue)).toEqual({ a: 'completed' });
  await withPlan.coordinator.stop();
});

test('a plan of the coordinator that differs from the submitted one is refused', async () => {
  const plan = createPlan('Compute').addTask({ id: 'sum', run: async () => 42 });
  const changed = createPlan('Compute').addTask({ id: 'product', run: async () => 42 });
  const { queue, errors, coordinator } = setUp({ plans: [changed] });
  await submitRun(queue, plan, { runId: 'a' });
  await vi.advanceTimersByTimeAsync(500);
  expect(errors.length).toBe(1);
  expect(errors[0]).toMatch(/^a: .*plan.*changed/is);
  await coordinator.stop();
});

test('runs that nobody announces are found by looking', async () => {
  const queue = memoryRunQueue();
  const silent: RunQueue = { ...queue, onQueued: () => () => {} };
  const { done, coordinator } = setUp({ queue: silent, pollMs: 5_000 });
  await vi.advanceTimersByTimeAsync(100);
  await submitRun(queue, steps('Work'), { runId: 'a' });
  await vi.advanceTimersByTimeAsync(4_000);
  expect(done).toEqual([]);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(done).toEqual(['one: a first', 'one: a second']);
  await coordinator.stop();
});

test('a queue that fails is reported and asked again', async () => {
  const queue = memoryRunQueue();
  let failures = 2;
  const failing: RunQueue = {
    ...queue,
    claim: () => (failures-- > 0 ? Promise.reject(new Error('no connection')) : queue.claim()),
  };
  const { done, errors, coordinator } = setUp({ queue: failing });
  await submitRun(queue, steps('Work'), { runId: 'a' });
  await vi.advanceTimersByTimeAsync(5_000);
  expect(errors).toEqual(['undefined: no connection', 'undefined: no connection']);
  expect(done.length).toBe(2);
  await coordinator.stop();
});

test('a run whose record cannot be written is tried again after a while, not at once', async () => {
  const queue = memoryRunQueue();
  const failing: RunQueue = {
    ...queue,
    async claim() {
      const claimed = await queue.claim();
      if (claimed === undefined) return undefined;
      const append = () => Promise.reject(new Error('disk full'));
      return { ...claimed, opened: { ...claimed.opened, isInMemory: false, append } };
    },
  };
  const { errors, coordinator } = setUp({ queue: failing });
  await submitRun(queue, steps('Work'), { runId: 'a' });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(errors[0]).toContain('disk full');
  // After 1, 2 and 4 seconds.
  expect(errors.length).toBe(4);
  await coordinator.stop();
});

test('a run that it lost and claimed again stays under way when the first part ends', async () => {
  const queue = memoryRunQueue();
  const lose: (() => Promise<void>)[] = [];
  const losing: RunQueue = {
    ...queue,
    async claim() {
      const claimed = await queue.claim();
      if (claimed === undefined) return undefined;
      let isLost = false;
      lose.push(async () => {
        isLost = true;
        await claimed.opened.close();
      });
      const append: typeof claimed.opened.append = async (events) => {
        if (isLost) throw journalErrors.runLocked(claimed.run.id);
        await claimed.opened.append(events);
      };
      const close = async () => (isLost ? undefined : claimed.opened.close());
      const postpone = async (delayMs: number) => (isLost ? undefined : claimed.postpone(delayMs));
      return { ...claimed, opened: { ...claimed.opened, append, close }, postpone };
    },
  };
  const { errors, coordinator } = setUp({ queue: losing });
  await submitRun(queue, steps('Work'), { runId: 'a' });
  await vi.advanceTimersByTimeAsync(500);
  await lose[0]?.();
  // The first part notices at the end of its attempt, after a second; the second part began later.
  await vi.advanceTimersByTimeAsync(750);
  expect(lose.length).toBe(2);
  expect(errors).toEqual([expect.stringContaining('is locked by another writer')]);
  expect(coordinator.runs).toEqual(['a']);
  const stopped = coordinator.stop();
  await vi.advanceTimersByTimeAsync(0);
  await stopped;
  expect(await statusOf(queue)).toEqual({ a: 'interrupted' });
  expect((await queue.claim())?.run.id).toBe('a');
});

test('wrong options are refused with a remedy', async () => {
  const queue = memoryRunQueue();
  const secret = inputsSchema({ key: { type: 'string', secret: true, env: 'KEY' } }, (value) => ({
    value,
  }));
  const plan = { goal: 'Work', tasks: [{ id: 'a', description: 'Do it' }] };
  const submit = (more: object, given: object = plan) => submitRun(queue, given as Plan, more);
  await expect(submit({ maxParalel: 1 })).rejects.toThrow('maxParallel');
  await expect(submit({ maxParallel: 0 })).rejects.toThrow('submitRun(): maxParallel');
  await expect(submit({ tenant: 'x'.repeat(201) })).rejects.toThrow('it is 201 characters long');
  await expect(submit({ runId: '../a' })).rejects.toThrow('runId must have letters');
  await expect(submit({ inputs: { a: 1 } })).rejects.toThrow('the plan has no such input');
  await expect(submit({}, { goal: 'Work', tasks: [] })).rejects.toThrow('task');
  await expect(submit({ inputs: { key: 'x' } }, { ...plan, inputs: secret })).rejects.toThrow(
    'the input "key" is secret and would be stored',
  );
  expect(await queue.list()).toEqual([]);
  const executor = createExecutor({ strategy: inOrder });
  const start = (more: object) => () =>
    startCoordinator({ queue, executor, onError() {}, ...more });
  expect(start({ queue: {} })).toThrow('queue must be a queue of runs');
  expect(start({ executor: {} })).toThrow('executor must be an executor');
  expect(start({ onError: undefined })).toThrow('onError must be a function');
  expect(start({ maxRuns: 0 })).toThrow('maxRuns');
  expect(start({ polMs: 0 })).toThrow('pollMs');
});
