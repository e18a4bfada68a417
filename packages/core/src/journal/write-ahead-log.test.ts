import { setImmediate } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { logOf, testJournal } from '../../test/journals.js';
import { deferred, inOrder, planOf, statuses, taskOf } from '../../test/runs.js';
import type { RunEvent } from '../contract/event.js';
import { JournalError } from '../contract/journal-error.js';
import type { Plan } from '../contract/plan.js';
import type { TaskRunner } from '../contract/runner.js';
import type { Task } from '../contract/task.js';
import { tool } from '../contract/tool.js';
import { createExecutor } from '../runtime/executor.js';
import type { ExecutorOptions } from '../runtime/executor-options.js';
import { memoryJournal } from './memory-journal.js';
import { readRun } from './read-run.js';

function executor(options: Partial<ExecutorOptions> = {}) {
  return createExecutor({ strategy: inOrder, ...options });
}

const full = () => {
  throw new JournalError('journal_full', 'there is no room left');
};

describe('a run with a journal', () => {
  const plan = planOf(
    { id: 'a', run: () => ({ n: 1 }) },
    { id: 'b', dependencies: ['a'], run: ({ a }) => a.n + 1 },
  );

  test('records the events that it publishes', async () => {
    const journal = memoryJournal();
    const run = executor({ journal }).execute(plan, { runId: 'one', seed: 7, failFast: true });
    const { status, timeline } = await run;
    expect(status).toBe('completed');
    expect(run.runId).toBe('one');
    const told: RunEvent[] = [];
    for await (const event of readRun(journal, 'one')) told.push(event);
    expect(JSON.parse(JSON.stringify(told))).toEqual(JSON.parse(JSON.stringify(timeline)));
    expect(timeline[0]).toMatchObject({ seed: 7, limits: { failFast: true } });
    expect(await journal.list()).toMatchObject([
      { id: 'one', goal: 'x', status: 'completed', completedTasks: 2, totalTasks: 2 },
    ]);
  });

  test('publishes and starts nothing before it is durable', async () => {
    const gates: (() => void)[] = [];
    const journal = testJournal(() => new Promise<void>((open) => gates.push(open)));
    const seen: string[] = [];
    const body = vi.fn(() => 1);
    const run = executor({ journal, onEvent: ({ type }) => void seen.push(type) }).execute(
      planOf({ id: 'a', run: body }),
    );
    await setImmediate();
    expect(gates).toHaveLength(1);
    expect([seen, body.mock.calls]).toEqual([[], []]);
    gates[0]?.();
    await setImmediate();
    expect(seen).toEqual(['run_started', 'strategy_initialized', 'task_started']);
    expect(body).toHaveBeenCalledOnce();
    expect(gates).toHaveLength(2);
    gates[1]?.();
    expect((await run).status).toBe('completed');
    expect(seen.slice(3)).toEqual(['task_completed', 'run_completed']);
  });

  test('writes events that happened during an append with one append', async () => {
    const gates: (() => void)[] = [];
    const journal = testJournal(() => new Promise<void>((open) => gates.push(open)));
    const ends = Array.from({ length: 5 }, () => deferred());
    const tasks = ends.map(({ promise }, index) => ({ id: `t${index}`, run: () => promise }));
    const run = executor({ journal }).execute(planOf(...tasks));
    await setImmediate();
    gates[0]?.();
    await setImmediate();
    ends[0]?.resolve();
    await setImmediate();
    await setImmediate();
    for (const end of ends) end.resolve();
    await setImmediate();
    expect(gates).toHaveLength(2);
    gates[1]?.();
    await setImmediate();
    gates[2]?.();
    await run;
    const completions = journal.batches.map((batch) => {
      return batch.filter(({ type }) => type === 'task_completed').length;
    });
    expect(completions).toEqual([0, 1, 4]);
  });

  test('writes the events of one turn of the event loop with one append', async () => {
    const journal = testJournal();
    const ends = Array.from({ length: 5 }, () => deferred());
    const tasks = ends.map(({ promise }, index) => ({ id: `t${index}`, run: () => promise }));
    const run = executor({ journal }).execute(planOf(...tasks));
    await setImmediate();
    for (const end of ends) {
      end.resolve();
      await Promise.resolve();
    }
    await run;
    const completions = journal.batches.map((batch) => {
      return batch.filter(({ type }) => type === 'task_completed').length;
    });
    expect(completions).toEqual([0, 5]);
  });

  test('does not start an attempt that was aborted before it was durable', async () => {
    const gates: (() => void)[] = [];
    const journal = testJournal(() => new Promise<void>((open) => gates.push(open)));
    const body = vi.fn();
    const run = executor({ journal }).execute(planOf({ id: 'a', run: body }));
    await setImmediate();
    run.cancel('changed my mind');
    gates[0]?.();
    await setImmediate();
    gates[1]?.();
    expect((await run).status).toBe('canceled');
    expect(body).not.toHaveBeenCalled();
  });

  test('ignores an aborted attempt, however long an append takes', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    try {
      const gates: (() => void)[] = [];
      const journal = testJournal(() => new Promise<void>((open) => gates.push(open)));
      const other = deferred();
      const late = deferred<string>();
      let emit: (text: string) => void = () => {};
      const plan = planOf(
        {
          id: 'slow',
          timeoutMs: 50,
          retry: { initialDelayMs: 0 },
          run(_, context) {
            if (context.attempt === 2) return 'second';
            emit = context.emit;
            return late.promise;
          },
        },
        { id: 'other', run: () => other.promise },
      );
      const run = executor({ journal }).execute(plan);
      await setImmediate();
      gates[0]?.();
      await setImmediate();
      other.resolve();
      await setImmediate();
      await setImmediate();
      expect(gates).toHaveLength(2);
      await vi.advanceTimersByTimeAsync(50);
      emit('too late');
      late.resolve('first');
      await setImmediate();
      for (let gate = 1; gate < 8; gate++) {
        gates[gate]?.();
        await setImmediate();
        await vi.advanceTimersByTimeAsync(1);
      }
      const { outputs, timeline } = await run;
      expect(outputs.slow).toBe('second');
      const types = timeline.flatMap((event) =>
        'taskId' in event && event.taskId === 'slow' ? event.type : [],
      );
      expect(types).toEqual(['task_started', 'task_retrying', 'task_started', 'task_completed']);
    } finally {
      vi.useRealTimers();
    }
  });

  test('rejects an id that is already recorded', async () => {
    const journal = memoryJournal();
    const { execute } = executor({ journal });
    await execute(plan, { runId: 'one' });
    const { status, error, tasks, timeline } = await execute(plan, { runId: 'one' });
    expect([status, error?.code]).toEqual(['failed', 'run_exists']);
    expect(statuses({ tasks })).toEqual({ a: 'pending', b: 'pending' });
    expect(timeline).toEqual([]);
  });

  test.each(['', '.a', 'a/b', 'ü', 'x'.repeat(129), 7 as never])('rejects the id "%s"', (runId) => {
    expect(() => executor().execute(plan, { runId })).toThrow('runId must have letters, digits');
  });

  test('releases its lease when it has ended', async () => {
    const journal = memoryJournal();
    const { runId } = await endedRun(journal, plan);
    const opened = await journal.open(runId);
    expect(opened.events.at(-1)).toMatchObject({ type: 'run_completed' });
  });
});

async function endedRun(journal: ReturnType<typeof memoryJournal>, plan: Plan) {
  const run = executor({ journal }).execute(plan);
  await run;
  // Not the run itself, which an asynchronous function would await.
  return { runId: run.runId };
}

describe('a journal that fails', () => {
  test.each([1, 2, 3, 4])(
    'at append %i ends the run, and unwritten events are not published',
    async (last) => {
      let isFull = true;
      const journal = testJournal((_, append) => (isFull && append === last ? full() : undefined));
      const tasks = Array.from({ length: 6 }, (_, index) => ({
        id: `t${index}`,
        dependencies: index === 0 ? [] : [`t${index - 1}`],
        run: () => index,
      }));
      const seen: RunEvent[] = [];
      const onEvent = (event: RunEvent) => void seen.push(event);
      const run = executor({ journal, onEvent }).execute(planOf(...tasks), { runId: 'one' });
      const { status, error, timeline, outputs, metrics } = await run;
      expect([status, error?.code]).toEqual(['failed', 'journal_full']);
      expect(error?.message).toBe(
        'Run "one" was stopped because its journal could not be written: there is no room left. ' +
          'The recorded part can be resumed',
      );
      const log = await logOf(journal, 'one');
      expect(seen.map(({ sequence }) => sequence)).toEqual(log.map(({ sequence }) => sequence));
      expect(timeline).toEqual(seen);
      const completed = log.filter(({ type }) => type === 'task_completed');
      expect(Object.keys(outputs)).toEqual(completed.map(({ taskId }) => taskId));
      expect(metrics.completedTasks).toBe(completed.length);
      isFull = false;
      const resumed = await executor({ journal }).resume('one', { plan: planOf(...tasks) });
      expect([resumed.status, resumed.outputs.t5]).toEqual(['completed', 5]);
    },
  );

  test('aborts attempts in flight', async () => {
    const end = deferred();
    let reason: unknown;
    const journal = testJournal((_, append) => (append === 1 ? full() : undefined));
    const run = executor({ journal }).execute(
      planOf(
        { id: 'a', run: () => end.promise },
        {
          id: 'b',
          run: (_, { signal }) =>
            new Promise((_, reject) => {
              signal.addEventListener('abort', () => {
                ({ reason } = signal);
                reject(signal.reason);
              });
            }),
        },
      ),
    );
    await setImmediate();
    end.resolve();
    const { tasks } = await run;
    expect(statuses({ tasks })).toEqual({ a: 'running', b: 'running' });
    expect(reason).toMatchObject({ code: 'journal_full' });
  });

  test('may throw or reject with any value', async () => {
    const journal = testJournal((_, append) =>
      append === 1 ? Promise.reject(new Error('disk on fire')) : undefined,
    );
    const { error } = await executor({ journal }).execute(planOf({ id: 'a', run: () => 1 }));
    expect(error).toBeInstanceOf(JournalError);
    expect(error).toMatchObject({ code: 'journal_failed' });
    expect(error?.message).toContain('disk on fire');
  });

  test('does not acknowledge an answer that is not durable', async () => {
    const journal = testJournal((_, append) => (append === 1 ? full() : undefined));
    const run = executor({ journal }).execute(
      planOf({ id: 'ask', description: 'Well?', waitFor: 'approval' }),
    );
    await setImmediate();
    await expect(run.approve('ask')).rejects.toMatchObject({ code: 'journal_full' });
    expect(statuses(await run)).toEqual({ ask: 'pending' });
  });
});

describe('the record', () => {
  test('has every output unchanged', async () => {
    const outputs = {
      nothing: undefined,
      odd: [undefined, Number.NaN, -0, Number.NEGATIVE_INFINITY, 12n, { $: 'date', value: 1 }],
      date: new Date(5),
      bytes: new Uint8Array([0, 255, 128]),
      map: new Map<unknown, unknown>([[{ a: 1 }, new Set([1, undefined])]]),
      proto: JSON.parse('{"__proto__": {"x": 1}}'),
      error: new RangeError('too far'),
    };
    const journal = memoryJournal();
    const plan = planOf(
      ...Object.entries(outputs).map(([id, output]) => ({ id, run: () => output })),
    );
    const { runId } = await endedRun(journal, plan);
    const { outputs: kept, status } = await executor({ journal }).resume(runId);
    expect(status).toBe('completed');
    const { error, ...values } = kept;
    expect({ ...values, error: outputs.error }).toStrictEqual(outputs);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'RangeError', message: 'too far' });
  });

  test.each<[string, unknown, string]>([
    ['a function', { done: () => 1 }, 'done is a function'],
    ['a symbol', [Symbol('x')], '[0] is a symbol'],
    ['an instance', { rows: [{ at: new URL('http://x') }] }, 'rows[0].at is an instance of URL'],
    ['what contains itself', cyclic(), 'it is nested too deeply, or contains itself'],
  ])('cannot hold %s: the attempt fails with a message', async (_, output, message) => {
    const journal = memoryJournal();
    const result = await executor({ journal }).execute(
      planOf({ id: 'a', run: () => output }, { id: 'b', run: () => 1 }),
    );
    expect(statuses(result)).toEqual({ a: 'failed', b: 'completed' });
    expect(taskOf(result, 'a').error).toMatchObject({ code: 'invalid_output' });
    expect(taskOf(result, 'a').error?.message).toBe(
      `Task "a" failed: its output cannot be stored in the journal: ${message}`,
    );
  });

  test('cannot hold a plan that is not data: nothing starts', () => {
    const plan = planOf({ id: 'a', run: () => 1, metadata: { call: [() => 1] } });
    expect(() => executor({ journal: memoryJournal() }).execute(plan)).toThrow(
      'tasks[0].metadata: cannot be stored in a journal: call[0] is a function',
    );
    expect(() => executor().execute(plan)).not.toThrow();
  });

  test('cannot hold tasks that are not data: they are not added', async () => {
    const journal = memoryJournal();
    const result = await executor({ journal }).execute(
      planOf({
        id: 'a',
        run: (_, { addTasks }) =>
          addTasks([{ id: 'more', run: () => 1, metadata: { call: () => 1 } }]),
      }),
    );
    expect(taskOf(result, 'a').error?.message).toContain('cannot be stored in a journal');
  });

  test('cannot hold an answer that is not data: the task keeps waiting', async () => {
    const run = executor({ journal: memoryJournal() }).execute(
      planOf({ id: 'ask', description: 'Well?', waitFor: 'answer' }),
    );
    await setImmediate();
    await expect(run.answer('ask', { call: () => 1 })).rejects.toMatchObject({
      code: 'invalid_option',
      message: expect.stringContaining('call is a function'),
    });
    await run.answer('ask', { fine: true });
    expect((await run).outputs).toEqual({ ask: { fine: true } });
  });

  test('never has the secrets of a runner', async () => {
    const secret = 'sk-planted-0123456789';
    const journal = testJournal();
    const runner = {
      name: 'secretive',
      settings: { model: 'm' },
      apiKey: secret,
      async run(
        _: unknown,
        { emit, signal }: { emit: (text: string) => void; signal: AbortSignal },
      ) {
        emit(`I am ${signal.aborted}`);
        return { output: 'fine', headers: { authorization: secret }, client: { apiKey: secret } };
      },
    };
    const { status } = await executor({ journal, runner: runner as never }).execute(
      planOf({ id: 'a', description: 'go' }),
    );
    expect(status).toBe('completed');
    expect(journal.batches.flat().map(({ type }) => type)).toContain('task_output');
    expect(JSON.stringify(journal.batches)).not.toContain(secret);
  });

  test('has each output once: groups and fan-outs are rebuilt from their children', async () => {
    const journal = testJournal();
    const plan = planOf(
      { id: 'list', run: () => ['x', 'y'] },
      { id: 'each', dependencies: ['list'], forEach: 'list', run: ({ item }) => `big ${item}` },
      { id: 'group', subtasks: [{ id: 'inner', run: () => 'huge' }] },
    );
    const { runId } = await endedRun(journal, plan);
    const text = JSON.stringify(journal.batches);
    for (const output of ['big x', 'big y', 'huge']) expect(text.split(output)).toHaveLength(2);
    const { outputs } = await executor({ journal }).resume(runId);
    expect({ ...outputs }).toMatchObject({
      each: [
        { id: 'each[0]', status: 'completed', output: 'big x' },
        { id: 'each[1]', status: 'completed', output: 'big y' },
      ],
      group: { inner: 'huge' },
    });
  });
});

describe('redact', () => {
  const redact = (output: unknown) => String(output).replace('secret', '[…]');

  test('changes only the stored output, not the one that the run uses', async () => {
    const journal = testJournal();
    const plan = planOf(
      { id: 'a', run: () => 'a secret' },
      { id: 'b', dependencies: ['a'], run: ({ a }) => a.length },
      { id: 'group', subtasks: [{ id: 'inner', run: () => 'a secret' }] },
    );
    const run = executor({ journal, redact }).execute(plan);
    const { outputs } = await run;
    expect(outputs).toMatchObject({ a: 'a secret', b: 8 });
    expect(JSON.stringify(journal.batches)).not.toContain('secret');
    const again = await executor({ journal }).resume(run.runId);
    expect({ ...again.outputs }).toEqual({
      a: 'a […]',
      b: '8',
      group: { inner: 'a […]' },
      inner: 'a […]',
    });
  });

  test('drops the output that tasks report while they run', async () => {
    const journal = testJournal();
    const seen: string[] = [];
    const onEvent = ({ type }: RunEvent) => void seen.push(type);
    const { status } = await executor({ journal, redact, onEvent }).execute(
      planOf({ id: 'a', run: (_, { emit }) => void emit('secret') }),
    );
    expect(status).toBe('completed');
    expect(seen).toContain('task_output');
    expect(JSON.stringify(journal.batches)).not.toContain('secret');
  });

  const SECRET = 'sk-planted-0123456789';
  /** One record of everything that can quote an output. */
  const leaky: Plan = {
    goal: 'x',
    goalState: { criteria: [{ path: 'outputs.a.key', operator: '==', value: 1 }] },
    tasks: [
      { id: 'a', run: () => ({ key: SECRET, list: [SECRET, { deep: SECRET }] }) },
      { id: 'ask', dependencies: ['a'], description: 'Is {{a.key}} right?', waitFor: 'approval' },
      { id: 'each', dependencies: ['a'], forEach: 'a.list', run: lengthOf },
      { id: 'own', dependencies: ['a'], forEach: ({ a }) => a.list, run: lengthOf },
      {
        id: 'fails',
        dependencies: ['a'],
        retry: { maxAttempts: 2, initialDelayMs: 1, on: ['task_failed'] },
        run({ a }) {
          throw new Error(`the key ${a.key} is wrong: ${JSON.stringify(a)}`);
        },
      },
      {
        id: 'adds',
        dependencies: ['a'],
        run: ({ a }, { addTasks }) =>
          addTasks([
            { id: 'more', description: `Use ${a.key}.`, metadata: { key: [a.key] } },
            { id: 'call', tool: 'echo', args: { key: a.key } },
            { id: 'file', run: () => 1, save: `${a.key}.txt` },
            { id: 'module', plan: { goal: `Try ${a.key}`, tasks: [{ id: 'try', run: () => 1 }] } },
          ]),
      },
      { id: 'asks', dependencies: ['a'], description: 'Use {{a.key}}', tools: ['guarded'] },
      {
        id: 'late',
        dependencies: ['a'],
        forEach: ({ a }) => a.key,
        run: () => 1,
      },
    ] satisfies Task[],
  };

  test.each<[string, NonNullable<ExecutorOptions['redact']>]>([
    ['texts', (output) => JSON.parse(JSON.stringify(output ?? null).replaceAll(SECRET, '***'))],
    ['one task', (output, { id }) => (id === 'a' ? '[hidden]' : output)],
    ['fields of objects', (output) => hidden(output)],
    ['everything', () => null],
  ])('of %s keeps the secret out of every event, and the record can be read', async (_, redact) => {
    const journal = testJournal();
    const answer: TaskRunner = {
      name: 'echo',
      supportsTools: true,
      async run({ tools = [] }) {
        for (const each of tools) await each.call({ key: SECRET }, 'call');
        return { output: 'done' };
      },
    };
    const echo = { description: 'x', inputSchema: z.object({ key: z.string() }), execute: () => 1 };
    const guarded = tool({ ...echo, name: 'guarded', needsApproval: true });
    const tools = [tool({ ...echo, name: 'echo' }), guarded];
    const files = { write: async () => {} };
    const run = executor({ journal, redact, runner: answer, tools, files }).execute(leaky);
    for await (const { type } of run) {
      if (type === 'task_waiting') await run.approve('ask');
      if (type === 'tool_approval_requested') await run.approve('asks');
    }
    const { outputs } = await run;
    expect(outputs.each).toMatchObject([
      { output: SECRET.length + 2 },
      { output: SECRET.length + 11 },
    ]);
    const text = JSON.stringify(journal.batches);
    const types = ['task_waiting', 'goal_checked', 'task_retrying', 'tasks_added'];
    for (const type of [...types, 'tool_approval_requested', 'savedTo']) {
      expect(text).toContain(type);
    }
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain('0123456789');
    const read = [];
    for await (const event of readRun(journal, run.runId)) read.push(event.type);
    expect(read.at(-1)).toBe('run_failed');
    const resumed = executor({ journal, redact, runner: answer, tools, files });
    const again = await resumed.resume(run.runId);
    expect(taskOf(again, 'each').status).toBe('completed');
  });

  test('lets a run be resumed whose list was redacted in the middle of a fan-out', async () => {
    const plan = planOf(
      { id: 'list', run: () => [SECRET, SECRET] },
      { id: 'each', dependencies: ['list'], forEach: 'list', run: ({ item }) => item.length },
    );
    const journal = testJournal();
    const redact = (output: unknown) => (Array.isArray(output) ? 'a list' : output);
    await executor({ journal, redact, maxParallel: 1 }).execute(plan, { runId: 'first' });
    const events = journal.batches.flat();
    const cut = events.findIndex(
      ({ taskId, type }) => taskId === 'each[0]' && type === 'task_completed',
    );
    const half = await journal.create({ id: 'half', goal: 'x', createdAt: 0 });
    await half.append(events.slice(0, cut + 1));
    await half.close();
    const { status, outputs } = await executor({ journal, redact }).resume('half', { plan });
    expect(status).toBe('completed');
    expect(outputs.each).toMatchObject([{ output: SECRET.length }, { status: 'completed' }]);
  });

  test('fails the attempt and stores nothing if it throws or returns no data', async () => {
    const run = (redact: ExecutorOptions['redact']) =>
      executor({ journal: memoryJournal(), redact: redact as never }).execute(
        planOf({ id: 'a', run: () => 'secret' }),
      );
    const thrown = await run(() => {
      throw new Error('oops');
    });
    expect(taskOf(thrown, 'a').error?.message).toBe('Task "a" failed: redact() threw: oops');
    const wrong = await run(() => () => 1);
    expect(taskOf(wrong, 'a').error?.message).toContain('the result of redact() cannot');
  });
});

const lengthOf: Task['run'] = ({ item }) => JSON.stringify(item).length;

/** Hides each text inside an object, and makes nonsense of anything else. */
function hidden(output: unknown): unknown {
  if (Array.isArray(output)) return output.map(hidden);
  return Object.fromEntries(
    Object.entries(Object(output)).map(([key, value]) => [
      key,
      typeof value === 'string' ? 'hidden' : hidden(value),
    ]),
  );
}

function cyclic(): object {
  const value: Record<string, unknown> = {};
  value.self = value;
  return value;
}
