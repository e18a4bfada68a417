import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { inOrder } from '../../test/runs.js';
import type { EventData } from '../contract/journal.js';
import { createPlan } from '../contract/plan-builder.js';
import type { RunQueue } from '../contract/run-queue.js';
import type { TaskRunner } from '../contract/runner.js';
import { memoryRunQueue } from '../journal/memory-run-queue.js';
import { createExecutor } from '../runtime/executor.js';
import type { RunHandle } from '../runtime/handle.js';
import { type ControlRunOptions, controlRun, type Delivery } from './control-run.js';
import { type Coordinator, startCoordinator } from './coordinator.js';
import { submitRun } from './submit-run.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Answers each task after a second. */
const slow: TaskRunner = {
  name: 'slow',
  async run({ prompt }, { signal }) {
    await new Promise<void>((resolve, reject) => {
      setTimeout(resolve, 1_000);
      signal.addEventListener('abort', () => reject(signal.reason));
    });
    return { output: prompt };
  },
};

const errors: unknown[] = [];
beforeEach(() => void errors.splice(0));

function coordinate(queue: RunQueue, onRun?: (run: RunHandle) => void): Coordinator {
  const executor = createExecutor({ strategy: inOrder, runner: slow });
  const onError = (error: unknown) => errors.push((error as Error).message);
  return startCoordinator({ queue, executor, onRun, onError });
}

const steps = createPlan('Work')
  .addTask({ id: 'first', description: 'Do it' })
  .addTask({ id: 'second', description: 'Do more', dependencies: ['first'] });

const questions = createPlan('Ask')
  .addTask({ id: 'publish', description: 'Publish it?', waitFor: 'approval' })
  .addTask({ id: 'title', description: 'Which title?', waitFor: 'answer' })
  .addTask({ id: 'other', description: 'May it?', waitFor: 'approval' });

async function eventsOf(queue: RunQueue, runId = 'a'): Promise<EventData[]> {
  const events: EventData[] = [];
  for await (const event of queue.read(runId)) events.push(event);
  return events;
}

const typesOf = async (queue: RunQueue) => (await eventsOf(queue)).map(({ type }) => type);

/** What it resolves to within so much virtual time: its value, or the code of its error. */
async function within(
  durationMs: number,
  work: Promise<Delivery>,
): Promise<Delivery | 'pending' | { readonly code: string }> {
  let settled: Delivery | 'pending' | { readonly code: string } = 'pending';
  work.then(
    (value) => {
      settled = value;
    },
    ({ code }) => {
      settled = { code };
    },
  );
  await vi.advanceTimersByTimeAsync(durationMs);
  return settled;
}

test('a run is paused, resumed, limited and canceled from another process, within a second', async () => {
  const queue = memoryRunQueue();
  const coordinator = coordinate(queue);
  await submitRun(queue, steps, { runId: 'a' });
  await vi.advanceTimersByTimeAsync(500);
  const run = controlRun(queue, 'a');
  expect(await within(1_000, run.pause())).toBe('done');
  await vi.advanceTimersByTimeAsync(5_000);
  expect(await typesOf(queue)).not.toContain('run_completed');
  // Twice is once.
  expect(await within(1_000, run.pause())).toBe('done');
  expect(await within(1_000, run.setMaxParallel(3))).toBe('done');
  expect(await within(900, run.resume())).toBe('done');
  expect(await within(1_000, run.cancel('not needed'))).toBe('done');
  const events = await eventsOf(queue);
  expect(events.filter(({ type }) => type === 'run_paused')).toHaveLength(1);
  expect(events.filter(({ type }) => type === 'run_unpaused')).toHaveLength(1);
  expect(events.at(-1)?.type).toBe('run_canceled');
  expect(await within(1_000, run.cancel())).toEqual({ code: 'run_ended' });
  expect(errors).toEqual([]);
  await coordinator.stop();
});

test('questions are answered from another process, and a wrong answer says why', async () => {
  const queue = memoryRunQueue();
  const coordinator = coordinate(queue);
  await submitRun(queue, questions, { runId: 'a' });
  await vi.advanceTimersByTimeAsync(100);
  const run = controlRun(queue, 'a');
  expect(await within(1_000, run.answer('publish', 'yes'))).toEqual({ code: 'invalid_option' });
  expect(await within(1_000, run.answer('tittle', 'x'))).toEqual({ code: 'not_waiting' });
  expect(await within(1_000, run.cancelTask('tittle'))).toEqual({ code: 'unknown_task' });
  expect(await within(1_000, run.answer('title', { en: 'Pages' }))).toBe('done');
  expect(await within(1_000, run.approve('publish'))).toBe('done');
  expect(await within(1_000, run.reject('other', 'not yet'))).toBe('done');
  const events = await eventsOf(queue);
  const outputs = events.flatMap(({ type, output }) => (type === 'task_completed' ? [output] : []));
  expect(outputs).toEqual([{ en: 'Pages' }, true]);
  expect(events.find(({ type }) => type === 'task_failed')?.error).toMatchObject({
    code: 'rejected',
    message: expect.stringContaining('not yet'),
  });
  await coordinator.stop();
});

test('what was asked for twice, or done before its reply was lost, is done; the contrary is refused', async () => {
  const queue = memoryRunQueue();
  let lost = 2;
  const forgetful: RunQueue = {
    ...queue,
    reply: (id, reply) =>
      lost-- > 0 ? Promise.reject(new Error('the server is away')) : queue.reply(id, reply),
  };
  const coordinator = coordinate(forgetful);
  await submitRun(queue, questions, { runId: 'a' });
  await vi.advanceTimersByTimeAsync(100);
  const run = controlRun(queue, 'a');
  expect(await within(3_000, run.approve('publish'))).toBe('done');
  expect(errors).toEqual(['the server is away', 'the server is away']);
  expect(await within(1_000, run.approve('publish'))).toBe('done');
  expect(await within(1_000, run.reject('publish'))).toEqual({ code: 'not_waiting' });
  expect(await within(1_000, run.skipTask('other'))).toBe('done');
  expect(await within(1_000, run.skipTask('other'))).toBe('done');
  const completed = (await typesOf(queue)).filter((type) => type === 'task_completed');
  expect(completed).toHaveLength(1);
  await coordinator.stop();
});

test('a request is stored while no coordinator is there, and counts before any task starts', async () => {
  const queue = memoryRunQueue();
  await submitRun(queue, steps, { runId: 'a' });
  const options: ControlRunOptions = { waitMs: 500 };
  expect(await within(1_000, controlRun(queue, 'a', options).cancel())).toBe('stored');
  const coordinator = coordinate(queue);
  await vi.advanceTimersByTimeAsync(3_000);
  const types = await typesOf(queue);
  expect(types.at(-1)).toBe('run_canceled');
  expect(types).not.toContain('task_started');
  await coordinator.stop();
});

test('a task that was canceled or skipped before the run was claimed does not start', async () => {
  const queue = memoryRunQueue();
  const apart = createPlan('Apart')
    .addTask({ id: 'first', description: 'Do it' })
    .addTask({ id: 'second', description: 'Do more' });
  await submitRun(queue, apart, { runId: 'a' });
  const run = controlRun(queue, 'a', { waitMs: 100 });
  expect(await within(500, run.skipTask('first'))).toBe('stored');
  expect(await within(500, run.cancelTask('second'))).toBe('stored');
  expect(await within(500, run.cancelTask('third'))).toBe('stored');
  const pending = (await queue.requests(['a'])).map(({ id }) => id);
  const attempts = vi.spyOn(slow, 'run');
  const coordinator = coordinate(queue);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(attempts).not.toHaveBeenCalled();
  attempts.mockRestore();
  const replies = await Promise.all(pending.map((id) => queue.replyTo(id)));
  expect(replies.map((reply) => reply?.error?.code)).toEqual([
    undefined,
    undefined,
    'unknown_task',
  ]);
  expect(errors).toEqual([]);
  await coordinator.stop();
});

test('a task that was canceled before the reply was lost is canceled', async () => {
  const queue = memoryRunQueue();
  const coordinator = coordinate(queue);
  await submitRun(queue, questions, { runId: 'a' });
  await vi.advanceTimersByTimeAsync(100);
  const run = controlRun(queue, 'a');
  expect(await within(1_000, run.cancelTask('title'))).toBe('done');
  expect(await within(1_000, run.cancelTask('title'))).toBe('done');
  expect(await within(1_000, run.answer('publish', false))).toBe('done');
  expect(await within(1_000, run.answer('publish', false))).toBe('done');
  expect(await within(1_000, run.answer('publish', true))).toEqual({ code: 'not_waiting' });
  await coordinator.stop();
});

test('a request that a coordinator left is carried out by the next one, and a pause lasts', async () => {
  const queue = memoryRunQueue();
  const deaf: RunQueue = { ...queue, requests: async () => [] };
  const first = coordinate(deaf);
  await submitRun(queue, steps, { runId: 'a' });
  await vi.advanceTimersByTimeAsync(500);
  expect(await within(300, controlRun(queue, 'a', { waitMs: 100 }).pause())).toBe('stored');
  await first.stop();
  const second = coordinate(queue);
  await vi.advanceTimersByTimeAsync(1_000);
  await second.stop();
  const third = coordinate(queue);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(await queue.requests(['a'])).toEqual([]);
  expect((await queue.list())[0]?.status).toBe('running');
  const started = (await eventsOf(queue)).filter(({ type }) => type === 'task_started');
  expect(started.map(({ taskId }) => taskId)).not.toContain('second');
  await third.stop();
});

test('a request that came too late is refused, also when the run was opened again', async () => {
  const queue = memoryRunQueue();
  const deaf: RunQueue = { ...queue, requests: async () => [] };
  const first = coordinate(deaf);
  await submitRun(queue, steps, { runId: 'a' });
  await vi.advanceTimersByTimeAsync(500);
  const run = controlRun(queue, 'a', { waitMs: 60_000 });
  expect(await within(3_000, run.cancel())).toEqual({ code: 'run_ended' });
  await first.stop();
  // Somebody resumes it by hand, and leaves it.
  const opened = await queue.open('a');
  await opened.append([{ type: 'run_resumed', sequence: 99, timestamp: 99 }]);
  await opened.close();
  const pending = (await queue.requests(['a']))[0]?.id as string;
  const second = coordinate(queue);
  await vi.advanceTimersByTimeAsync(3_000);
  expect((await queue.replyTo(pending))?.error?.code).toBe('run_ended');
  expect(await typesOf(queue)).not.toContain('run_canceled');
  await second.stop();
});

test('requests that nobody announces are found by looking, within about a second', async () => {
  const queue = memoryRunQueue();
  const silent: RunQueue = { ...queue, onRequest: () => () => {} };
  const coordinator = coordinate(silent);
  await submitRun(queue, steps, { runId: 'a' });
  await vi.advanceTimersByTimeAsync(100);
  const asked = controlRun(silent, 'a').pause();
  await vi.advanceTimersByTimeAsync(1_100);
  expect(await typesOf(queue)).toContain('run_paused');
  expect(await within(500, asked)).toBe('done');
  await coordinator.stop();
});

test('wrong options are refused, and so are runs that no coordinator can hear of', async () => {
  const queue = memoryRunQueue();
  expect(() => controlRun(queue, 'a', { waitMS: 5 } as never)).toThrow('waitMS');
  expect(() => controlRun(queue, 'a', { waitMs: -1 })).toThrow('waitMs');
  expect(() => controlRun({} as never, 'a')).toThrow('queue must be a queue of runs');
  expect(() => controlRun(queue, 5 as never)).toThrow('must be a string');
  await expect(controlRun(queue, 'a').setMaxParallel(0)).rejects.toThrow('maxParallel');
  await expect(controlRun(queue, 'a').pause()).rejects.toMatchObject({ code: 'run_not_found' });
  await queue.create({ id: 'b', goal: 'by hand', createdAt: 1 });
  await expect(controlRun(queue, 'b').pause()).rejects.toMatchObject({ code: 'run_not_queued' });
});
