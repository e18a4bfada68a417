import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { logOf } from '../../test/journals.js';
import { eventsOf, inOrder, planOf } from '../../test/runs.js';
import type { RunEvent } from '../contract/event.js';
import type { Plan } from '../contract/plan.js';
import type { TaskRequest, TaskRunner } from '../contract/runner.js';
import type { StandardSchema } from '../contract/schema.js';
import type { Task } from '../contract/task.js';
import { tool } from '../contract/tool.js';
import { createExecutor } from '../runtime/executor.js';
import type { ExecutorOptions } from '../runtime/executor-options.js';
import { memoryJournal } from './memory-journal.js';

const usage = { inputTokens: 10, outputTokens: 1 };

function model(
  answer: (request: TaskRequest) => unknown = ({ prompt }) => `${prompt}!`,
  more: Partial<TaskRunner> = {},
) {
  const asked: string[] = [];
  const runner: TaskRunner = {
    name: 'model',
    supportsTools: true,
    settings: { model: 'm-1', temperature: 0 },
    async run(request) {
      asked.push(request.taskId);
      return { output: answer(request), usage, costUsd: 1, model: 'm-1-exact' };
    },
    ...more,
  };
  return { runner, asked };
}

function executor(options: Partial<ExecutorOptions>) {
  return createExecutor({ strategy: inOrder, ...options });
}

const tasks: readonly Task[] = [
  { id: 'a', description: 'A' },
  { id: 'b', description: 'B {{a}}', dependencies: ['a'] },
  { id: 'c', description: 'C {{b}}', dependencies: ['b'] },
  { id: 'd', description: 'D' },
];

const changed = (id: string, change: Partial<Task>): Plan =>
  planOf(...tasks.map((task) => (task.id === id ? { ...task, ...change } : task)));

describe('anyPosition', () => {
  const plan = (items: readonly string[]): Plan =>
    planOf({ id: 'read', forEach: () => items, description: 'Read {{item}}' });

  async function askedAfter(items: readonly string[], anyPosition: boolean): Promise<string[]> {
    const { runner, asked } = model();
    const run = executor({ journal: memoryJournal(), runner, reuse: { anyPosition } });
    await run.execute(plan(['a', 'b', 'c'])).orThrow();
    asked.length = 0;
    const { outputs } = await run.execute(plan(items)).orThrow();
    expect(outputs.read).toMatchObject(items.map((item) => ({ output: `Read ${item}!` })));
    return asked;
  }

  test('reuses the outputs of items that have moved', async () => {
    expect(await askedAfter(['new', 'b', 'c', 'a'], true)).toEqual(['read[0]']);
  });

  test('is off by default, so that equal items at several places have outputs of their own', async () => {
    expect(await askedAfter(['b', 'c'], false)).toEqual(['read[0]', 'read[1]']);
  });
});

describe('reuse', () => {
  async function first(options: Partial<ExecutorOptions> = {}, plan = planOf(...tasks)) {
    const journal = memoryJournal();
    const { status } = await executor({ journal, runner: model().runner, ...options }).execute(
      plan,
      { runId: 'first' },
    );
    expect(status).toBe('completed');
    return journal;
  }

  async function second(
    plan: Plan,
    { runner, asked } = model(),
    options: Partial<ExecutorOptions> = {},
  ) {
    const journal = options.journal ?? (await first());
    const run = executor({ journal, runner, reuse: true, ...options });
    const result = await run.execute(plan, { runId: 'second' });
    return { result, asked };
  }

  test.each([true, {}])('%j without a journal is an error, as nothing could be reused', (reuse) => {
    const { runner } = model();
    const begin = () => executor({ runner, reuse }).execute(planOf({ id: 'a', description: 'A' }));
    expect(begin).toThrow('execute(): reuse needs a journal, which has the earlier outputs');
  });

  test('reuses unchanged tasks at no cost', async () => {
    const { result, asked } = await second(planOf(...tasks));
    expect([result.status, asked]).toEqual(['completed', []]);
    expect({ ...result.outputs }).toEqual({ a: 'A!', b: 'B A!!', c: 'C B A!!!', d: 'D!' });
    expect(result.metrics).toMatchObject({ costUsd: 0, usage: { inputTokens: 0 } });
    for (const event of eventsOf(result, 'task_completed')) {
      expect(event).toMatchObject({ reused: { runId: 'first' }, model: 'm-1-exact' });
      expect(event).not.toHaveProperty('usage');
    }
  });

  test('names the run that produced the output, after any number of reuses', async () => {
    const journal = await first();
    await second(planOf(...tasks), model(), { journal });
    const { runner } = model();
    const third = await executor({ journal, runner, reuse: true }).execute(planOf(...tasks));
    expect(eventsOf(third, 'task_completed').map(({ reused }) => reused?.runId)).toEqual(
      Array(4).fill('first'),
    );
  });

  test.each<[string, Plan, string[]]>([
    ['a description', changed('b', { description: 'B, {{a}}' }), ['b', 'c']],
    ['metadata', changed('d', { metadata: { tone: 'dry' } }), ['d']],
    ['a type', changed('d', { type: 'observation' }), ['d']],
    ['an id', planOf({ id: 'e', description: 'D' }), ['e']],
    ['nothing that its output follows from', changed('d', { priority: 5, timeoutMs: 9_000 }), []],
  ])('re-runs the tasks that depend on %s that has changed', async (_, plan, expected) => {
    expect((await second(plan)).asked).toEqual(expected);
  });

  test('reuses the dependents of a task whose output is the same again', async () => {
    const journal = await first();
    const same = model(({ taskId, prompt }) => (taskId === 'b' ? 'B A!!' : `${prompt}!`));
    const plan = changed('b', { description: 'Other {{a}}' });
    expect((await second(plan, same, { journal })).asked).toEqual(['b']);
  });

  /** Reads 100 rows from an answer, then writes about all of them; one row of the list changes. */
  function rows(version: number): { plan: Plan; answer: (request: TaskRequest) => unknown } {
    const list = Array.from({ length: 100 }, (_, n) =>
      n === 42 ? `row ${n} v${version}` : `row ${n}`,
    );
    const plan = planOf(
      { id: 'list', description: `List them, version ${version}.` },
      { id: 'read', description: 'Read {{item}}.', forEach: 'list', dependencies: ['list'] },
      { id: 'report', description: 'Report.', dependencies: ['read'] },
    );
    const answer = ({ taskId, prompt }: TaskRequest) => (taskId === 'list' ? list : `${prompt}!`);
    return { plan, answer };
  }

  test('re-runs one task of a fan-out when one row of its list has changed', async () => {
    const journal = memoryJournal();
    const before = rows(1);
    const { runner } = model(before.answer);
    await executor({ journal, runner }).execute(before.plan, { runId: 'first' }).orThrow();
    const { plan, answer } = rows(2);
    const { result, asked } = await second(plan, model(answer), { journal });
    expect(asked).toEqual(['list', 'read[42]', 'report']);
    const reused = result.tasks.filter((task) => task.reused?.runId === 'first');
    expect(reused).toHaveLength(99);
    expect(result.tasks.find(({ id }) => id === 'read[42]')).not.toHaveProperty('reused');
  });

  test('re-runs every task of the fan-out for a runner that reads all inputs', async () => {
    const journal = memoryJournal();
    const more = { readsInputs: true };
    const before = rows(1);
    const { runner } = model(before.answer, more);
    await executor({ journal, runner }).execute(before.plan, { runId: 'first' }).orThrow();
    const { plan, answer } = rows(2);
    const { asked } = await second(plan, model(answer, more), { journal });
    expect(asked).toHaveLength(102);
  });

  test.each<[string, Partial<TaskRunner>]>([
    ['settings', { settings: { model: 'm-2' } }],
    ['resource', { resource: 'elsewhere' }],
    ['name', { name: 'other' }],
  ])('re-runs everything when the %s of the runner changed', async (_, more) => {
    const { asked } = await second(planOf(...tasks), model(undefined, more));
    expect(asked.sort()).toEqual(['a', 'b', 'c', 'd']);
  });

  test('is off by default and never applies to functions and tools', async () => {
    const { asked } = await second(planOf(...tasks), model(), { reuse: false });
    expect(asked).toHaveLength(4);
    const calls: string[] = [];
    const look = tool({
      name: 'look',
      description: 'Looks.',
      inputSchema: anything,
      execute: () => 1,
    });
    const plan = planOf(
      { id: 'f', run: () => calls.push('f') },
      { id: 't', description: 'T', tools: [look] },
    );
    const journal = await first({}, plan);
    const again = await second(plan, model(), { journal });
    expect([again.asked, calls]).toEqual([['t'], ['f', 'f']]);
  });

  test('does not reuse an output older than maxAgeMs', async () => {
    const journal = await first();
    const old = await second(planOf(...tasks), model(), { journal, reuse: { maxAgeMs: 0.001 } });
    expect(old.asked).toHaveLength(4);
    const { runner, asked } = model();
    await executor({ journal, runner, reuse: { maxAgeMs: 60_000 } }).execute(planOf(...tasks));
    expect(asked).toEqual([]);
  });

  test('does not reuse an output that no longer matches its schema', async () => {
    const schema = (fits: boolean): StandardSchema => ({
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value) => (fits ? { value } : { issues: [{ message: 'no' }] }),
        jsonSchema: { output: () => ({ type: 'object' }) },
      },
    });
    const journal = await first(
      {},
      planOf({ id: 'a', description: 'A', outputSchema: schema(true) }),
    );
    const plan = planOf({ id: 'a', description: 'A', outputSchema: schema(false) });
    const { result, asked } = await second(plan, model(), { journal });
    expect([result.status, asked]).toEqual(['failed', ['a']]);
  });

  test('does not reuse a redacted output', async () => {
    const journal = await first({ redact: () => '[…]' });
    expect(JSON.stringify(await logOf(journal, 'first'))).not.toContain('contentKey');
    const { asked } = await second(planOf(...tasks), model(), { journal });
    expect(asked).toHaveLength(4);
  });

  test('reports a failed lookup and runs the task', async () => {
    const journal = await first();
    const lookup = () => Promise.reject(new Error('index is gone'));
    const told: RunEvent[] = [];
    const { result, asked } = await second(planOf(...tasks), model(), {
      journal: { ...journal, lookup },
      onEvent: (event) => void told.push(event),
    });
    expect([result.status, asked.length]).toEqual(['completed', 4]);
    expect(told).toContainEqual(
      expect.objectContaining({
        source: 'journal',
        message: 'could not look for outputs of earlier runs: index is gone',
      }),
    );
  });

  test('checks its options', () => {
    const with_ = (reuse: unknown) => () => executor({ reuse: reuse as never });
    expect(with_({ maxAge: 1 })).toThrow('Did you mean "maxAgeMs"?');
    expect(with_({ maxAgeMs: 0 })).toThrow('maxAgeMs must be a positive number');
    expect(with_('yes')).toThrow('reuse must be a boolean or an object');
  });
});

describe('explain', () => {
  async function explained(plan: Plan, before: Plan | undefined, more: Partial<TaskRunner> = {}) {
    const journal = memoryJournal();
    if (before !== undefined) {
      const { runner } = model();
      await executor({ journal, runner }).execute(before, { runId: 'first' });
    }
    const log = before === undefined ? [] : await logOf(journal, 'first');
    const { runner, asked } = model(undefined, more);
    const forecast = await executor({ journal, runner }).explain(plan);
    expect(asked).toEqual([]);
    if (before !== undefined) expect(await logOf(journal, 'first')).toEqual(log);
    expect(await journal.list()).toHaveLength(before === undefined ? 0 : 1);
    return Object.fromEntries(
      forecast.map(({ taskId, runs, message }) => [taskId, runs ? `runs: ${message}` : message]),
    );
  }

  const group = (description: string): Plan =>
    planOf(
      { id: 'list', description: 'list' },
      { id: 'f', run: () => [1, 2] },
      { id: 'each', dependencies: ['f'], forEach: 'f', description: 'Each {{item}}' },
      { id: 'in', subtasks: [{ id: 'inner', description }] },
      { id: 'when', dependencies: ['list'], when: () => false, description: 'Never' },
      {
        id: 'ask',
        description: 'Well?',
        waitFor: { kind: 'approval', timeoutMs: 1, default: true },
      },
      { id: 'wrong', dependencies: ['list'], forEach: 'list', description: 'No list' },
      { id: 'after', dependencies: ['wrong'], description: 'After' },
    );

  test('predicts for each task what a run would do, and why', async () => {
    const plan = planOf(...(changed('b', { description: 'B now {{a}}' }).tasks as Task[]), {
      id: 'e',
      description: 'E',
      dependencies: ['d'],
    });
    expect(await explained(plan, planOf(...tasks))).toEqual({
      a: 'reused from run first',
      b: 'runs: changed: description',
      c: 'runs: input of b changed',
      d: 'reused from run first',
      e: 'runs: new',
    });
    expect(await explained(planOf(...tasks), undefined)).toEqual({
      a: 'runs: new',
      b: 'runs: new',
      c: 'runs: new',
      d: 'runs: new',
    });
    const other = await explained(planOf(...tasks), planOf(...tasks), { settings: { model: 'x' } });
    expect(other.a).toBe(
      "runs: its runner's model or settings changed, or an attached file, or its output is too old",
    );
  });

  test('explains groups, fan-outs, decisions, human steps and functions', async () => {
    expect(await explained(group('inner'), group('inner'))).toEqual({
      list: 'reused from run first',
      f: 'runs: the effects of functions, tools and commands are unknown',
      each: 'runs: input of f changed',
      in: 'complete with its subtasks',
      inner: 'reused from run first',
      when: 'its condition does not hold',
      ask: 'runs: asks a human',
      wrong: expect.stringContaining('its forEach needs a list at list'),
      after: 'a dependency fails: wrong',
    });
    const { inner, in: outer } = await explained(group('other'), group('inner'));
    expect([inner, outer]).toEqual(['runs: changed: description', 'runs: input of inner changed']);
  });

  test('asks the runner for answers that it has, as in a cache', async () => {
    const { runner, asked } = model(undefined, {
      async cached({ prompt }) {
        if (prompt === 'D') throw new Error('no luck');
        return prompt === 'C B A!!' ? undefined : { output: `${prompt}!` };
      },
    });
    const forecasts = await executor({ runner, journal: memoryJournal() }).explain(
      planOf(...tasks),
    );
    expect(forecasts).toMatchObject([
      { taskId: 'a', runs: false, reason: 'cached', message: 'its answer is in the cache' },
      // Its prompt has the answer before.
      { taskId: 'b', runs: false, reason: 'cached' },
      { taskId: 'c', runs: true, reason: 'new' },
      { taskId: 'd', runs: true, reason: 'new' },
    ]);
    expect(asked).toEqual([]);
  });

  test('reads cached answers by the schema of their task, and counts requests without a valid one', async () => {
    const { runner } = model(undefined, {
      cached({ prompt }) {
        if (prompt === 'Throw') throw new Error('no promise');
        return Promise.resolve({ output: '```json\n{"kind":"long"}\n```' });
      },
    });
    const outputSchema = z.object({ kind: z.string() });
    const forecasts = await executor({ runner, journal: memoryJournal() }).explain(
      planOf(
        { id: 'kind', description: 'Kind', outputSchema },
        {
          id: 'long',
          description: 'Long',
          outputSchema: z.object({ words: z.number() }),
          dependencies: ['kind'],
          when: { path: 'kind.kind', operator: '==', value: 'long' },
        },
        { id: 'throws', description: 'Throw' },
      ),
    );
    expect(forecasts.map(({ taskId, runs, reason }) => [taskId, runs, reason])).toEqual([
      ['kind', false, 'cached'],
      ['long', true, 'new'],
      ['throws', true, 'new'],
    ]);
  });

  test('names tasks that were not completed before', async () => {
    const journal = memoryJournal();
    const failing = model(() => {
      throw new Error('no');
    });
    await executor({ journal, runner: failing.runner }).execute(planOf(...tasks));
    const [forecast] = await executor({ journal, runner: model().runner }).explain(
      planOf(...tasks),
    );
    expect(forecast).toMatchObject({ runs: true, reason: 'not_completed' });
  });

  test('compares with the run of the option since', async () => {
    const journal = memoryJournal();
    const { execute, explain } = executor({ journal, runner: model().runner });
    await execute(planOf(...tasks), { runId: 'first' });
    await execute(changed('a', { description: 'B' }), { runId: 'second' });
    const plan = changed('a', { description: 'C' });
    const of = async (since?: string) => (await explain(plan, { ...(since && { since }) }))[0];
    expect(await of()).toMatchObject({ fields: ['description'] });
    expect(await explain(planOf(...tasks), { since: 'first' })).toMatchObject([
      { reason: 'reused', runId: 'first' },
      {},
      {},
      {},
    ]);
    await expect(of('third')).rejects.toMatchObject({ code: 'run_not_found' });
    await expect(executor({}).explain(plan)).rejects.toThrow('explain() requires the journal');
    await expect(explain(plan, { sinc: 'x' } as never)).rejects.toThrow('Did you mean "since"?');
  });
});

const anything: StandardSchema = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => ({ value }),
    jsonSchema: { output: () => ({ type: 'object' }) },
  },
};
