import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { deferred, execute, inOrder, planOf, taskOf } from '../../test/runs.js';
import type { AttemptReport } from '../contract/carrier.js';
import type { ValueCodec } from '../contract/codec.js';
import type { RunContext, Task } from '../contract/task.js';
import {
  createExecutor,
  createPlan,
  memoryJournal,
  type Plan,
  type RunEvent,
  readRun,
} from '../index.js';

/** Rejections that nobody has handled, as the process would see them. */
const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown) => void unhandled.push(reason);
beforeEach(() => {
  unhandled.length = 0;
  process.on('unhandledRejection', onUnhandled);
});
afterEach(() => void process.off('unhandledRejection', onUnhandled));

const late = () => Promise.reject(new Error('too late'));
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/** The outputs of a run in one process, and those of the same run when it is resumed after `until`. */
async function liveAndResumed(plan: Plan, until: string, options = {}) {
  const journal = memoryJournal();
  const executor = createExecutor({ strategy: inOrder, maxParallel: 1, journal, ...options });
  const live = await executor.execute(plan, { runId: 'live' });
  // A copy of the log that stops after a completion.
  const events = [];
  for await (const event of journal.read('live')) {
    events.push(event);
    if (event.type === 'task_completed' && event.taskId === until) break;
  }
  const half = await journal.create({ id: 'half', goal: plan.goal, createdAt: 0 });
  await half.append(events);
  await half.close();
  const resumed = await executor.resume('half', { plan });
  return [live, resumed] as const;
}

describe('an output', () => {
  test('cannot be changed by a task that gets it', async () => {
    const list = { id: 'a', run: () => ({ items: [1] }) };
    const change: Task = {
      id: 'b',
      dependencies: ['a'],
      run({ a }) {
        expect(() => a.items.push(2)).toThrow(TypeError);
        expect(() => Object.assign(a, { more: 1 })).toThrow(TypeError);
      },
    };
    const read: Task = { id: 'c', dependencies: ['a', 'b'], run: ({ a }) => a.items.length };
    for (const { outputs } of await liveAndResumed(planOf(list, change, read), 'b')) {
      expect(outputs.c).toBe(1);
    }
  });

  test.each<[string, () => unknown, (value: never) => void]>([
    ['a map', () => new Map([['a', 1]]), (map: Map<string, number>) => map.set('b', 2)],
    ['a set', () => new Set([1]), (set: Set<number>) => set.add(2)],
    ['a date', () => ({ at: new Date(0) }), ({ at }: { at: Date }) => at.setTime(1)],
    ['bytes', () => [Buffer.from('abc')], ([bytes]: Buffer[]) => bytes?.fill(0)],
    ['a typed array', () => new Float64Array([1, 2]), (list: Float64Array) => list.fill(0)],
    ['a nested map', () => new Map([[1, [new Map([[2, 3]])]]]), (map) => void drain(map)],
  ])('that is %s is copied for each task', async (_, make, change) => {
    const made = make();
    const plan = planOf(
      { id: 'a', run: () => made },
      { id: 'b', dependencies: ['a'], run: ({ a }) => change(a as never) },
      { id: 'c', dependencies: ['a', 'b'], run: ({ a }) => a },
      {
        id: 'each',
        dependencies: ['a', 'b'],
        forEach: ({ a }) => [a],
        retry: { maxAttempts: 2, initialDelayMs: 1, on: ['task_failed'] },
        run({ item }, { attempt }) {
          if (attempt === 2) return item;
          change(item as never);
          throw new Error('again');
        },
      },
    );
    for (const { outputs } of await liveAndResumed(plan, 'b')) {
      expect(outputs.a).toEqual(make());
      expect(outputs.c).toEqual(make());
      expect(outputs.each).toMatchObject([{ output: make() }]);
    }
    // Nor can the producer change what it has returned.
    change(made as never);
  });

  test('that is copied cannot be changed by its producer afterwards', async () => {
    const map = new Map([['a', 1]]);
    const { outputs } = await execute(
      planOf(
        { id: 'a', run: () => map },
        { id: 'b', dependencies: ['a'], run: () => void map.set('b', 2) },
        { id: 'c', dependencies: ['a', 'b'], run: ({ a }) => a.size },
      ),
    );
    expect(outputs.c).toBe(1);
  });

  test('is the same for a retried attempt as for the first one', async () => {
    const seen: unknown[] = [];
    await execute(
      planOf(
        { id: 'a', run: () => ({ list: [1], map: new Map() }) },
        {
          id: 'b',
          dependencies: ['a'],
          retry: { maxAttempts: 2, initialDelayMs: 1, on: ['task_failed'] },
          run({ a }) {
            seen.push(a.map.size);
            a.map.set(1, 1);
            throw new Error('no');
          },
        },
      ),
    );
    expect(seen).toEqual([0, 0]);
  });

  test('of a class without a codec is shared, and refused by a journal', async () => {
    class Connection {
      uses = 0;
    }
    const plan = planOf(
      { id: 'a', run: () => new Connection() },
      { id: 'b', dependencies: ['a'], run: ({ a }) => ++a.uses },
      { id: 'c', dependencies: ['a', 'b'], run: ({ a }) => ++a.uses },
    );
    expect((await execute(plan)).outputs.c).toBe(2);
    const { error } = await execute(plan, { journal: memoryJournal() });
    expect(error?.message).toContain('an instance of Connection');
  });

  test('may contain itself, or objects of the platform, without a journal', async () => {
    const circle: Record<string, unknown> = { env: process.env };
    circle.self = [circle, circle];
    const plan = planOf({ id: 'a', run: () => circle }, { id: 'b', run: (inputs) => inputs });
    expect((await execute(plan)).outputs.a).toBe(circle);
  });

  test('is the item of a fan-out that nobody can change', async () => {
    const items = [{ n: 1 }];
    const plan = planOf({
      id: 'each',
      forEach: () => items,
      run({ item }) {
        expect(() => Object.assign(item, { n: 2 })).toThrow(TypeError);
        return item.n;
      },
    });
    expect((await execute(plan)).outputs.each).toMatchObject([{ output: 1 }]);
  });
});

function drain(map: Map<unknown, unknown>): void {
  for (const value of map.values()) {
    for (const each of value as Map<unknown, unknown>[]) each.clear();
  }
  map.clear();
}

describe('an instance with a codec', () => {
  class Money {
    constructor(public amount: number) {}
  }
  const money: ValueCodec<Money, number> = {
    name: 'money',
    test: (value) => value instanceof Money,
    encode: ({ amount }) => amount,
    decode: (amount) => new Money(amount),
  };
  const plan = planOf(
    { id: 'a', run: () => [{ price: new Money(5) }] },
    { id: 'b', dependencies: ['a'], run: ({ a }) => void Object.assign(a[0].price, { amount: 6 }) },
    { id: 'c', dependencies: ['a', 'b'], run: ({ a }) => a[0].price },
    { id: 'd', dependencies: ['a', 'b'], forEach: 'a', run: ({ item }) => item.price },
  );

  test('is the same in one process and in a resumed run', async () => {
    for (const { outputs, status } of await liveAndResumed(plan, 'b', { codecs: [money] })) {
      expect(status).toBe('completed');
      expect(outputs.c).toEqual(new Money(5));
      expect(outputs.c).toBeInstanceOf(Money);
      expect(outputs.d).toMatchObject([{ output: new Money(5) }]);
    }
  });

  test('is read with the codec, and shown as its data without', async () => {
    const journal = memoryJournal();
    await execute(plan, { journal, codecs: [money] }).result;
    const [{ id: runId } = { id: '' }] = await journal.list();
    const outputOf = async (options: object) => {
      for await (const event of readRun(journal, runId, options)) {
        if (event.type === 'task_completed' && event.taskId === 'c') return event.output;
      }
      return undefined;
    };
    expect(await outputOf({ codecs: [money] })).toEqual(new Money(5));
    expect(await outputOf({})).toBe(5);
    await expect(outputOf({ codecs: [] })).rejects.toThrow('a value needs the codec "money"');
  });

  test('that the codec cannot convert fails its attempt', async () => {
    const encode = () => {
      throw new Error('odd');
    };
    const { error } = taskOf(await execute(plan, { codecs: [{ ...money, encode }] }), 'a');
    expect(error).toMatchObject({ code: 'invalid_output' });
    expect(error?.message).toContain('the codec "money" cannot convert: odd');
  });

  test.each([[{}], [[{ name: 'x' }]], [[money, money]]])('refuses the codecs %j', (codecs) => {
    expect(() => execute(plan, { codecs: codecs as never })).toThrow('codecs must be a list');
  });
});

describe('a promise in an output', () => {
  test.each<[string, () => unknown, string]>([
    ['in a field', () => ({ a: late() }), 'its output has a promise at a; await it first'],
    ['in a list', () => [1, { x: [late(), late()] }], 'a promise at [1].x[0]'],
    ['in a map', () => new Map([['k', late()]]), 'a promise at [0][1]'],
    ['behind a data field', () => ({ big: Array(100).fill({}), next: 1, p: late() }), 'at p'],
  ])('is refused %s, and its rejection ends nothing', async (_, run, message) => {
    const { error } = taskOf(await execute(planOf({ id: 'a', run })), 'a');
    expect(error).toMatchObject({ code: 'invalid_output' });
    expect(error?.message).toContain(message);
    await nextTurn();
    expect(unhandled).toEqual([]);
  });

  test('is refused from a runner and from a carrier', async () => {
    const runner = { name: 'r', run: async () => ({ output: late() }) };
    const asked = await execute(planOf({ id: 'a', description: 'x' }), { runner });
    expect(asked.error?.message).toContain('its output has a promise; await it first');
    await nextTurn();
    expect(unhandled).toEqual([]);
  });

  test('is refused in the list of a fan-out and in an answer', async () => {
    const plan = planOf({ id: 'each', forEach: () => [1, late()], run: () => 1 });
    const { error } = taskOf(await execute(plan), 'each');
    expect(error).toMatchObject({ code: 'invalid_input' });
    expect(error?.message).toContain('its forEach has a promise at [1]');
    const waiting = execute(planOf({ id: 'ask', description: '?', waitFor: 'answer' }));
    for await (const { type } of waiting) if (type === 'task_waiting') break;
    await expect(waiting.answer('ask', { a: late() })).rejects.toThrow('it has a promise at a');
    await waiting.answer('ask', { a: 1 });
    expect((await waiting).outputs).toEqual({ ask: { a: 1 } });
    await nextTurn();
    expect(unhandled).toEqual([]);
  });

  test('that redact() returns is refused', async () => {
    const redact = () => late();
    const plan = planOf({ id: 'a', run: () => 1 });
    const { error } = await execute(plan, { journal: memoryJournal(), redact });
    expect(error?.message).toContain('redact() threw: it is asynchronous');
    await nextTurn();
    expect(unhandled).toEqual([]);
  });
});

describe('an event', () => {
  test('cannot be changed by a listener', async () => {
    const spoil = (event: RunEvent) => {
      const seen = new Set<unknown>();
      const spoilAll = (value: unknown) => {
        if (value instanceof Error || Object(value) !== value || seen.has(value)) return;
        seen.add(value);
        for (const [key, field] of Object.entries(value as object)) {
          spoilAll(field);
          try {
            (value as Record<string, unknown>)[key] = {};
          } catch {}
        }
      };
      spoilAll(event);
    };
    const plan: Plan = {
      goal: 'x',
      goalState: { criteria: [{ path: 'outputs.b.n', operator: '==', value: 1 }] },
      metadata: { a: [1] },
      tasks: [
        { id: 'list', run: () => [1, 2] },
        { id: 'each', dependencies: ['list'], forEach: 'list', run: ({ item }) => item },
        { id: 'b', dependencies: ['each'], run: () => ({ n: 1 }) },
      ],
    };
    const untouched = await execute(plan, { seed: 1 });
    const result = await execute(plan, { seed: 1, onEvent: spoil });
    expect(result.status).toBe('completed');
    const shown = ({ outputs, timeline, goalProgress }: typeof result) => [
      outputs,
      goalProgress,
      timeline.map(({ timestamp: _, ...event }) => withoutTimes(event)),
    ];
    expect(shown(result)).toEqual(shown(untouched));
  });
});

function withoutTimes(event: object): object {
  const { durationMs: _, waitMs: __, ...rest } = event as Record<string, unknown>;
  return rest;
}

describe('a plan', () => {
  test('that is changed after execute() runs as it was', async () => {
    const task = { id: 'a', run: () => 'old', metadata: { a: [1] }, tools: undefined };
    const when = { path: 'a', operator: '==', value: 'old' } as Record<string, unknown>;
    const inner = { id: 'in', run: () => 'old' };
    const dependent = { id: 'b', dependencies: ['a'], when, run: () => 'old' };
    const tasks = [task, dependent, { id: 'group', subtasks: [inner] }] as unknown as Task[];
    const plan = { goal: 'x', tasks };
    const run = execute(plan);
    task.run = inner.run = dependent.run = () => 'new';
    when.value = 'new';
    dependent.dependencies.push('x');
    tasks.length = 0;
    expect((await run).outputs).toEqual({ a: 'old', b: 'old', in: 'old', group: { in: 'old' } });
  });

  test('that is executed is not frozen', async () => {
    const plan = { goal: 'x', tasks: [{ id: 'a', run: () => 1, metadata: { a: 1 } }] };
    await execute(plan);
    expect(Object.isFrozen(plan.tasks[0])).toBe(false);
    expect(Object.isFrozen(plan.tasks[0]?.metadata)).toBe(false);
  });

  test('may have tasks that are instances of a class', async () => {
    class Hello {
      readonly id = 'a';
      run() {
        return 'hello';
      }
    }
    expect((await execute(planOf(new Hello()))).outputs).toEqual({ a: 'hello' });
  });
});

describe('what is copied into events', () => {
  const foreign = {
    kind: 'text',
    text: 'x',
    type: 'task_failed',
    taskId: 'b',
    output: 'forged',
    error: {},
  };

  test('are the own fields of a part alone', async () => {
    const { timeline, status } = await execute(
      planOf(
        { id: 'a', run: (_, { emit }) => void emit(foreign as never) },
        { id: 'b', dependencies: ['a'], run: () => 1 },
      ),
      { journal: memoryJournal() },
    );
    expect(status).toBe('completed');
    const [output] = timeline.filter(({ type }) => type === 'task_output');
    const fields = ['type', 'sequence', 'timestamp', 'kind', 'text', 'taskId', 'level', 'attempt'];
    expect(new Set(Object.keys(output ?? {}))).toEqual(new Set(fields));
    expect(output).toMatchObject({ taskId: 'a', text: 'x' });
  });

  test('are the fields of a part from a carrier; anything else fails its attempt', async () => {
    const run = (part: unknown) =>
      execute(planOf({ id: 'a', run: () => 1 }), {
        carrier: {
          name: 'test',
          start(_, tell) {
            queueMicrotask(() => {
              tell({ type: 'output', part } as AttemptReport);
              tell({ type: 'completed', result: { output: 1 } });
            });
          },
          cancel() {},
          detach() {},
          close() {},
        },
      });
    const { timeline } = await run(foreign);
    expect(timeline.find(({ type }) => type === 'task_output')).not.toHaveProperty('output');
    for (const part of [undefined, 5, { kind: 'odd' }, { kind: 'step' }, { kind: 'constructor' }]) {
      const { error } = await run(part);
      expect(error?.message).toContain('a piece of text, or a part');
    }
  });

  test('are the own fields of usage and rate limits', async () => {
    const usage = { inputTokens: 1, outputTokens: 2, secret: 'x', cachedInputTokens: null };
    const rateLimits = { requests: { limit: 5, remaining: 'x', secret: 'x' }, other: {} };
    const answer = { output: 1, usage, rateLimits, model: 5, requestId: {}, type: 'task_failed' };
    const runner = { name: 'r', run: async () => answer as never };
    const { timeline } = await execute(planOf({ id: 'a', description: 'x' }), { runner });
    const completed = timeline.find(({ type }) => type === 'task_completed');
    expect(completed).toMatchObject({ usage: { inputTokens: 1, outputTokens: 2 } });
    expect(completed).toMatchObject({ rateLimits: { requests: { limit: 5 } } });
    expect(JSON.stringify(completed)).not.toContain('secret');
    expect(completed).not.toHaveProperty('model');
    expect(completed).not.toHaveProperty('requestId');
  });
});

describe('maxOutputBytes', () => {
  const outputOf = (output: unknown, maxOutputBytes: number) =>
    execute(planOf({ id: 'a', run: () => output }), { maxOutputBytes });

  test.each<[string, unknown, number]>([
    ['a text', 'x'.repeat(98), 100],
    ['a text that is escaped', '\u0000"'.repeat(10), 82],
    ['a text of other alphabets', 'é🙂'.repeat(10), 62],
    ['a list', Array.from({ length: 20 }, () => 'ab'), 101],
    ['fields', Object.fromEntries(Array.from('abcdefghij', (key) => [key, 'x'])), 81],
    ['shared parts', ((part) => Array(10).fill(part))({ a: 'x'.repeat(20) }), 291],
  ])('counts %s as JSON', async (_, output, bytes) => {
    expect(new TextEncoder().encode(JSON.stringify(output)).length).toBeLessThanOrEqual(bytes);
    expect((await outputOf(output, 2 * bytes)).status).toBe('completed');
    const { error, attempts } = taskOf(await outputOf(output, Math.floor(bytes / 2)), 'a');
    expect(error?.code).toBe('invalid_output');
    expect(error?.message).toContain(`more than ${Math.floor(bytes / 2)} bytes as JSON`);
    expect(attempts).toBe(1);
  });

  test('fails the attempt alone by default, before anything is written', async () => {
    const huge = '\u0000'.repeat(15_000_000);
    const { tasks, status } = await execute(
      planOf({ id: 'a', run: () => huge }, { id: 'b', run: () => 1 }),
      { journal: memoryJournal() },
    );
    expect(status).toBe('failed');
    expect(taskOf({ tasks }, 'a').error?.message).toContain('maxOutputBytes');
    expect(taskOf({ tasks }, 'b').status).toBe('completed');
  });

  test('counts streamed parts and answers as well', async () => {
    const emit: Task['run'] = (_, context) => void context.emit('x'.repeat(50));
    const { error } = await execute(planOf({ id: 'a', run: emit }), { maxOutputBytes: 40 });
    expect(error?.message).toContain('more than 40 bytes');
    const { promise, resolve } = deferred();
    const plan = planOf({ id: 'ask', description: '?', waitFor: 'answer' });
    const run = execute(plan, {
      maxOutputBytes: 40,
      onEvent: ({ type }) => type === 'task_waiting' && resolve(),
    });
    await promise;
    await expect(run.answer('ask', 'x'.repeat(50))).rejects.toThrow('more than 40 bytes');
    run.cancel();
    await run;
  });

  test('counts a text that has waited for the rest of a secret', async () => {
    const secret = 'x'.repeat(50);
    const inputs = z.object({ token: z.string().meta({ secret: true }) });
    const task = async (context: RunContext) => {
      void context.emit(secret.slice(1));
      await Promise.resolve();
    };
    const plan = createPlan('Stream', { inputs })
      .addTask({ id: 'a', run: (_, context) => task(context) })
      .addTask({ id: 'b', run: () => 1 });
    const executor = createExecutor({ strategy: inOrder, maxOutputBytes: 40 });
    const { tasks } = await executor.execute(plan, { inputs: { token: secret } });
    expect(tasks.map(({ status, error }) => error?.code ?? status)).toEqual([
      'invalid_output',
      'completed',
    ]);
  });
});
