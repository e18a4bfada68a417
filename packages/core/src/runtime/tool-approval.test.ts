import { afterEach, describe, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { crashed, logOf } from '../../test/journals.js';
import { eventsOf, inOrder, planOf, taskOf } from '../../test/runs.js';
import type { EventData } from '../contract/journal.js';
import {
  createExecutor,
  type ExecutorOptions,
  memoryJournal,
  type RunContext,
  type RunEvent,
  type RunHandle,
  RunnerError,
  type TaskRequest,
  type TaskRunner,
  type Tool,
  type ToolContext,
  tool,
} from '../index.js';

afterEach(() => void vi.useRealTimers());

/** A tool that deletes a file, and the calls that ran. */
function deletions(more: Partial<Tool> = {}) {
  const ran: { path: string; key: string }[] = [];
  const remove = tool({
    name: 'remove',
    description: 'Removes a file.',
    inputSchema: z.object({ path: z.string() }),
    needsApproval: true,
    ...(more as object),
    execute({ path }, { idempotencyKey }: ToolContext) {
      ran.push({ path, key: idempotencyKey });
      return `${path} is gone`;
    },
  });
  return { remove, ran };
}

/** A model that calls the tool with each path at once, and answers with their results. */
function callingModel(paths: readonly string[], more: Partial<TaskRunner> = {}) {
  const contexts: RunContext[] = [];
  const runner: TaskRunner = {
    name: 'model',
    supportsTools: true,
    async run({ tools = [] }: TaskRequest, context) {
      contexts.push(context);
      const calls = paths.map((path, index) => tools[0]?.call({ path }, `call_${index}`));
      const results = await Promise.all(calls);
      return { output: results.map((result) => result?.text) };
    },
    ...more,
  };
  return { runner, contexts };
}

function planWith(remove: Tool, more = {}) {
  return planOf({ id: 'tidy', description: 'Tidy up.', tools: [remove], ...more });
}

/** A run that reports when so many calls wait. */
function start(
  tools: Tool,
  options: Partial<ExecutorOptions>,
  count = 1,
  more = {},
): { run: RunHandle; asked: Promise<void> } {
  let left = count;
  let resolve = () => {};
  const asked = new Promise<void>((done) => {
    resolve = done;
  });
  const executor = createExecutor({
    strategy: inOrder,
    ...options,
    onEvent(event: RunEvent) {
      options.onEvent?.(event);
      if (event.type === 'tool_approval_requested' && --left === 0) resolve();
    },
  });
  return { run: executor.execute(planWith(tools, more), { runId: 'one' }), asked };
}

describe('a tool that needs approval', () => {
  test('runs once a human has approved the call', async () => {
    const { remove, ran } = deletions();
    const { run, asked } = start(remove, { runner: callingModel(['a.txt']).runner });
    await asked;
    expect(ran).toEqual([]);
    expect(run.openQuestions()).toEqual([
      {
        taskId: 'tidy',
        question: 'Call the tool "remove" with {"path":"a.txt"}?',
        kind: 'approval',
        since: expect.any(Number),
        call: { callId: 'call_0', tool: 'remove', input: { path: 'a.txt' } },
      },
    ]);
    await run.approve('tidy');
    expect(run.openQuestions()).toEqual([]);
    const result = await run;
    expect(result.outputs.tidy).toEqual(['a.txt is gone']);
    expect(ran).toEqual([{ path: 'a.txt', key: expect.stringMatching(/^one\/tidy\/1/) }]);
    const [asking] = eventsOf(result, 'tool_approval_requested');
    const [decided] = eventsOf(result, 'tool_approval_decided');
    expect(asking).toMatchObject({ taskId: 'tidy', attempt: 1, tool: 'remove' });
    expect(decided).toMatchObject({ key: asking?.key, callId: 'call_0', approved: true });
  });

  test('does not run when it is rejected, and the model is given the reason', async () => {
    const { remove, ran } = deletions();
    const { run, asked } = start(remove, { runner: callingModel(['a.txt']).runner });
    await asked;
    await run.reject('tidy', 'we still need it');
    const result = await run;
    expect(result.status).toBe('completed');
    expect(result.outputs.tidy).toEqual(['Error: a human rejected this call: we still need it']);
    expect(ran).toEqual([]);
  });

  test('asks only for the inputs that its function names', async () => {
    const { remove, ran } = deletions({
      needsApproval: async ({ path }: { path: string }) => path.startsWith('/'),
    });
    const { run, asked } = start(remove, { runner: callingModel(['a.txt', '/etc']).runner });
    await asked;
    expect(ran.map(({ path }) => path)).toEqual(['a.txt']);
    expect(run.openQuestions()).toHaveLength(1);
    await run.answer('tidy', false);
    expect((await run).outputs.tidy).toEqual([
      'a.txt is gone',
      'Error: a human rejected this call',
    ]);
  });

  test('does not run when its function fails', async () => {
    const { remove, ran } = deletions({
      needsApproval: () => {
        throw new Error('no rule');
      },
    });
    const { run } = start(remove, { runner: callingModel(['a.txt']).runner });
    expect((await run).outputs.tidy).toEqual(['Error: no rule']);
    expect(ran).toEqual([]);
  });

  test('does not run when a damaged record says anything but a clear yes', async () => {
    const journal = memoryJournal();
    const { remove, ran } = deletions();
    const { runner } = callingModel(['a.txt']);
    const { run, asked } = start(remove, { runner, journal });
    await asked;
    await run.reject('tidy');
    await run;
    const log = await logOf(journal, 'one');
    const end = log.findIndex(({ type }) => type === 'tool_approval_decided');
    const damaged = { ...(log[end] as EventData), approved: 'no' };
    const left = await crashed([...log.slice(0, end), damaged]);
    const executor = createExecutor({ strategy: inOrder, runner, journal: left });
    const { outputs } = await executor.resume('one', { plan: planWith(remove) });
    expect([outputs.tidy, ran]).toEqual([['Error: a human rejected this call'], []]);
  });

  test('asks for several calls at once, which are named by their ids', async () => {
    const { remove, ran } = deletions();
    const paths = ['a', 'b', 'c'];
    const { run, asked } = start(remove, { runner: callingModel(paths).runner }, 3);
    await asked;
    await expect(run.approve('tidy')).rejects.toThrow(
      'several calls of task "tidy" wait: name one of "call_0" (remove), "call_1" (remove), "call_2" (remove)',
    );
    await run.approve('tidy', 'call_1');
    await expect(run.approve('tidy', 'call_1')).rejects.toMatchObject({ code: 'not_waiting' });
    await run.reject('tidy', undefined, 'call_0');
    await expect(run.answer('tidy', 'yes')).rejects.toMatchObject({ code: 'invalid_option' });
    await run.approve('tidy');
    const refused = 'Error: a human rejected this call';
    expect((await run).outputs.tidy).toEqual([refused, 'b is gone', 'c is gone']);
    expect(ran.map(({ path }) => path)).toEqual(['b', 'c']);
    await expect(run.approve('tidy')).rejects.toMatchObject({ code: 'not_waiting' });
  });

  test('is rejected after its time, and no limit of the attempt counts the time of a human', async () => {
    vi.useFakeTimers();
    const { remove } = deletions({ approvalTimeoutMs: 60_000 });
    const { runner, contexts } = callingModel(['a.txt']);
    const limits = { timeoutMs: 1_000, idleTimeoutMs: 500 };
    const { run, asked } = start(remove, { runner }, 1, limits);
    await vi.advanceTimersByTimeAsync(0);
    await asked;
    await vi.advanceTimersByTimeAsync(59_000);
    expect(run.openQuestions()).toMatchObject([{ timeoutMs: 60_000 }]);
    expect(contexts[0]?.waitedMs).toBeGreaterThanOrEqual(59_000);
    expect(contexts[0]?.remainingMs).toBeGreaterThan(900);
    await vi.advanceTimersByTimeAsync(1_001);
    const result = await run;
    expect(result.outputs.tidy).toEqual([
      'Error: a human rejected this call: nobody approved it within 60000 ms',
    ]);
    expect(taskOf(result, 'tidy').durationMs).toBeLessThan(1_000);
  });

  test('leaves the limits of the attempt in force after the decision', async () => {
    vi.useFakeTimers();
    const { remove } = deletions();
    const { runner } = callingModel(['a.txt']);
    const slow: TaskRunner = {
      ...runner,
      async run(request, context) {
        await runner.run(request, context);
        return new Promise(() => {});
      },
    };
    const retry = { maxAttempts: 1 };
    const { run, asked } = start(remove, { runner: slow, retry, abortGraceMs: 0 }, 1, {
      timeoutMs: 1_000,
    });
    await vi.advanceTimersByTimeAsync(0);
    await asked;
    await vi.advanceTimersByTimeAsync(5_000);
    const approved = run.approve('tidy');
    await vi.advanceTimersByTimeAsync(900);
    await approved;
    await vi.advanceTimersByTimeAsync(101);
    expect(taskOf(await run, 'tidy').error?.code).toBe('timeout');
  });

  test('withdraws its question when the run is canceled', async () => {
    const { remove, ran } = deletions();
    const { run, asked } = start(remove, { runner: callingModel(['a.txt']).runner });
    await asked;
    run.cancel();
    expect((await run).status).toBe('canceled');
    expect(run.openQuestions()).toEqual([]);
    expect(ran).toEqual([]);
  });

  test('asks again in the next attempt', async () => {
    const { remove, ran } = deletions();
    const { runner } = callingModel(['a.txt']);
    let attempts = 0;
    const failing: TaskRunner = {
      ...runner,
      async run(request, context) {
        const answer = await runner.run(request, context);
        if (++attempts === 1) throw new RunnerError('server_error', 'broken');
        return answer;
      },
    };
    const retry = { maxAttempts: 2, initialDelayMs: 1 };
    const onEvent = (event: RunEvent) => {
      if (event.type === 'tool_approval_requested') void run.approve('tidy');
    };
    const { run } = start(remove, { runner: failing, retry, onEvent });
    const result = await run;
    expect(result.status).toBe('completed');
    expect(eventsOf(result, 'tool_approval_requested').map(({ attempt }) => attempt)).toEqual([
      1, 2,
    ]);
    expect(new Set(ran.map(({ key }) => key)).size).toBe(2);
  });
});

test('a step that calls a tool without a model fails when a human rejects it', async () => {
  const { remove, ran } = deletions();
  const plan = planOf({ id: 'tidy', tool: 'remove', args: { path: 'a.txt' } });
  const run: RunHandle = createExecutor({
    ...{ strategy: inOrder, tools: [remove] },
    onEvent(event) {
      if (event.type === 'tool_approval_requested') void run.reject('tidy', 'no');
    },
  }).execute(plan);
  expect(taskOf(await run, 'tidy').error).toMatchObject({
    code: 'rejected',
    message: 'Task "tidy" failed: a human rejected this call: no',
  });
  expect(ran).toEqual([]);
});

describe('after a crash', () => {
  async function logUntilAsked(count: number, act?: (run: RunHandle) => Promise<void>) {
    const journal = memoryJournal();
    const { remove } = deletions();
    const { runner } = callingModel(['a', 'b']);
    const { run, asked } = start(remove, { runner, journal }, count);
    await asked;
    await act?.(run);
    const log = await logOf(journal, 'one');
    run.cancel();
    await run.result;
    return log;
  }

  test('questions stay open, and an answer before the model calls again counts', async () => {
    const log = await logUntilAsked(2);
    const { remove, ran } = deletions();
    let callAgain = () => {};
    const called = new Promise<void>((resolve) => {
      callAgain = resolve;
    });
    const { runner } = callingModel(['a', 'b']);
    const later: TaskRunner = {
      ...runner,
      run: (request, context) => called.then(() => runner.run(request, context)),
    };
    const executor = createExecutor({
      ...{ strategy: inOrder, journal: await crashed(log), runner: later },
      onEvent: async ({ type }) => {
        if (type !== 'run_resumed') return;
        expect(run.openQuestions().map(({ call }) => call?.input)).toEqual([
          { path: 'a' },
          { path: 'b' },
        ]);
        await run.approve('tidy', 'call_0');
        await run.reject('tidy', 'no', 'call_1');
        callAgain();
      },
    });
    const run = executor.resume('one', { plan: planWith(remove) });
    const result = await run;
    expect(result.outputs.tidy).toEqual(['a is gone', 'Error: a human rejected this call: no']);
    expect(ran).toHaveLength(1);
    expect(eventsOf(result, 'tool_approval_requested')).toHaveLength(2);
  });

  test('a decision that is recorded is not asked for again', async () => {
    const whole = await logUntilAsked(2, async (run) => {
      await run.approve('tidy', 'call_0');
      await run.approve('tidy', 'call_1');
    });
    // Neither call has a result yet.
    const log = whole.filter(({ kind }) => kind !== 'tool_result');
    const { remove, ran } = deletions();
    const executor = createExecutor({
      ...{
        strategy: inOrder,
        journal: await crashed(log),
        runner: callingModel(['a', 'b']).runner,
      },
    });
    const result = await executor.resume('one', { plan: planWith(remove) });
    expect(result.outputs.tidy).toEqual(['a is gone', 'b is gone']);
    expect(ran.map(({ key }) => key)).toEqual([
      expect.stringMatching(/^one\/tidy\/1/),
      expect.stringMatching(/^one\/tidy\/1/),
    ]);
    expect(eventsOf(result, 'tool_approval_requested')).toHaveLength(2);
  });
});
