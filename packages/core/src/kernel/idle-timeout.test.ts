import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { eventsOf, execute, inOrder, planOf } from '../../test/runs.js';
import type { AttemptCall, AttemptCarrier, Tell } from '../contract/carrier.js';
import type { OutputPart } from '../contract/output-part.js';
import type { Task } from '../contract/task.js';
import { parsePlanDocument } from '../document.js';
import type { Plan, TaskRunner } from '../index.js';
import { memoryJournal } from '../journal/memory-journal.js';
import { createExecutor } from '../runtime/executor.js';
import { simulate } from '../simulate.js';
import { validatePlan } from '../validate/plan.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const pause = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms));
const step = { kind: 'step', step: 1 } as unknown as OutputPart;

/** Emits the parts, one after every such wait, and answers at the end. */
function streaming(waitsMs: readonly number[], part: string | OutputPart = 'word '): TaskRunner {
  return {
    name: 'streaming',
    async run(_, { emit }) {
      for (const ms of waitsMs) {
        await pause(ms);
        emit(part);
      }
      return { output: 'whole' };
    },
  };
}

async function play(runner: TaskRunner, task: Partial<Task>, plan: Partial<Plan> = {}, more = {}) {
  const tasks = [{ id: 'a', description: 'x', ...task }] as Task[];
  const options = { runner, retry: { maxAttempts: 1 }, ...more };
  const run = execute({ ...planOf(...tasks), ...plan } as Plan, options);
  await vi.advanceTimersByTimeAsync(60_000);
  const result = await run;
  const [failed] = eventsOf(result, 'task_failed');
  return { ...result, failed };
}

const IDLE = 'no text and no tool step for its idleTimeoutMs of 100 ms';

describe('an idle limit', () => {
  test('leaves a long answer alone while it is still coming', async () => {
    const result = await play(streaming(Array(50).fill(99)), { idleTimeoutMs: 100 });
    expect(result.outputs).toEqual({ a: 'whole' });
  });

  test.each([
    ['before the first text', [150], 100],
    ['after some text', [60, 90, 150], 250],
    ['after the last text', [90, 90, 90, 150], 370],
  ])('ends an attempt without output %s', async (_, waits, durationMs) => {
    const { failed } = await play(streaming(waits), { idleTimeoutMs: 100 });
    expect(failed?.error.code).toBe('timeout');
    expect(failed?.durationMs).toBeCloseTo(durationMs, -1);
    expect(failed?.error.message).toContain(IDLE);
  });

  test('is put off by steps and tool calls, and not by notices', async () => {
    const silent = { kind: 'notice', source: 'x', message: 'x' } as const;
    const call = { kind: 'tool_call', callId: '1', tool: 'x', input: 1 } as const;
    const waits = [60, 60, 60];
    for (const part of [step, call]) {
      expect((await play(streaming(waits, part), { idleTimeoutMs: 100 })).status).toBe('completed');
    }
    const { failed } = await play(streaming(waits, silent), { idleTimeoutMs: 100 });
    expect(failed?.durationMs).toBeCloseTo(100, -1);
  });

  test('stands beside the hard limit', async () => {
    const runner = streaming(Array(50).fill(60));
    const { failed } = await play(runner, { idleTimeoutMs: 100, timeoutMs: 500 });
    expect(failed?.durationMs).toBeCloseTo(500, -1);
    expect(failed?.error.message).toContain('no answer within its timeout of 500 ms');
  });

  test('of the task comes before that of the plan, and that before that of the run', async () => {
    const runner = streaming([150]);
    const limits = async (...limits: (number | undefined)[]) => {
      const [task, plan, run] = limits.map((ms) => ms !== undefined && { idleTimeoutMs: ms });
      return (await play(runner, { ...task }, { ...plan }, { ...run })).status;
    };
    expect(await limits(200, 100, 100)).toBe('completed');
    expect(await limits(100, 200, 200)).toBe('failed');
    expect(await limits(undefined, 200, 100)).toBe('completed');
    expect(await limits(undefined, 100, 200)).toBe('failed');
    expect(await limits(undefined, undefined, 100)).toBe('failed');
    expect(await limits(undefined, undefined, undefined)).toBe('completed');
  });

  test('of a plan or a run is not for functions, and that of a function is', async () => {
    const run = () => pause(150);
    const runner = streaming([]);
    const limit = { idleTimeoutMs: 100 };
    expect((await play(runner, { run }, limit, limit)).status).toBe('completed');
    expect((await play(runner, { run, ...limit })).failed?.error.message).toContain(IDLE);
  });

  test('ends attempts as a transient error: they are repeated', async () => {
    let attempts = 0;
    const runner: TaskRunner = {
      name: 'slow at first',
      async run(_, { signal }) {
        if (++attempts === 1) await pause(1e6);
        return { output: signal.aborted };
      },
    };
    const { outputs } = await play(runner, { idleTimeoutMs: 100 }, {}, { retry: undefined });
    expect(outputs).toEqual({ a: false });
  });

  test('holds in a simulation', () => {
    const result = simulate(planOf({ id: 'a', description: 'x' }), {
      strategy: inOrder,
      idleTimeoutMs: 100,
      retry: { maxAttempts: 1 },
      attempt: () => ({ durationMs: 150 }),
    });
    expect(result.metrics.executionTimeMs).toBe(100);
    expect(eventsOf(result, 'task_failed')[0]?.error.message).toContain(IDLE);
  });

  test('is passed to carriers, and restarts with each of their reports', async () => {
    const calls: AttemptCall[] = [];
    const canceled: string[] = [];
    let tell: Tell = () => undefined;
    const carrier: AttemptCarrier = {
      name: 'queue',
      beginsLater: true,
      start(call, given) {
        calls.push(JSON.parse(JSON.stringify(call)));
        tell = given;
      },
      cancel: (key) => void canceled.push(key),
      detach: () => {},
      close: () => {},
    };
    const plan = planOf({ id: 'a', description: 'x', idleTimeoutMs: 100, timeoutMs: 1_000 });
    const run = execute(plan, { carrier, retry: { maxAttempts: 1 } });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(calls).toMatchObject([{ timeLimitMs: 1_000, idleLimitMs: 100 }]);
    tell({ type: 'begun' });
    await vi.advanceTimersByTimeAsync(60);
    tell({ type: 'output', part: { kind: 'text', text: 'word' } });
    await vi.advanceTimersByTimeAsync(60);
    expect(canceled).toEqual([]);
    await vi.advanceTimersByTimeAsync(60);
    const result = await run;
    expect(canceled).toEqual([calls[0]?.key]);
    expect(eventsOf(result, 'task_failed')[0]?.durationMs).toBeCloseTo(160, -1);
  });

  test('of a run is recorded, and holds when it is resumed', async () => {
    vi.useRealTimers();
    const journal = memoryJournal();
    const first = createExecutor({ strategy: inOrder, runner: streaming([]), journal });
    const plan = planOf({ id: 'a', description: 'x' });
    const { timeline } = await first.execute(plan, { runId: 'one', idleTimeoutMs: 100 });
    expect(timeline[0]).toMatchObject({ limits: { idleTimeoutMs: 100 } });
  });

  test('is checked in code and in files', () => {
    const task: Task = { id: 'a', description: 'x', idleTimeoutMs: 0 };
    const paths = validatePlan({ ...planOf(task), idleTimeoutMs: -1 }).map(({ path }) => path);
    expect(paths).toEqual(
      expect.arrayContaining([['idleTimeoutMs'], ['tasks', 0, 'idleTimeoutMs']]),
    );
    const file = (idleTimeoutMs: unknown) => ({
      ...{ goal: 'x', idleTimeoutMs: 5_000 },
      tasks: [{ id: 'a', description: 'x', idleTimeoutMs }],
    });
    const { plan } = parsePlanDocument(file(7));
    expect(plan).toMatchObject({ idleTimeoutMs: 5_000, tasks: [{ idleTimeoutMs: 7 }] });
    expect(() => parsePlanDocument(file('soon'))).toThrow('idleTimeoutMs');
    const step = { id: 'a', description: 'Go?', waitFor: 'approval', idleTimeoutMs: 9 } as Task;
    expect(validatePlan(planOf(step))).toMatchObject([{ code: 'conflict' }]);
    const group = { id: 'a', idleTimeoutMs: 9, subtasks: [{ id: 'b', description: 'x' }] } as Task;
    expect(validatePlan(planOf(group))).toMatchObject([{ code: 'conflict' }]);
  });

  test('is a positive number', () => {
    expect(() => execute(planOf({ id: 'a', run: () => 1 }), { idleTimeoutMs: 0 })).toThrow(
      'idleTimeoutMs must be a positive number of milliseconds',
    );
  });
});
