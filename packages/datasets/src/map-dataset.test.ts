import { adaptive } from '@stratagem/adaptive';
import {
  createPlan,
  type Instrumentation,
  type Journal,
  memoryJournal,
  type RunEvent,
  type TaskRunner,
} from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { mapDataset } from './map-dataset.js';
import type { MappedRow } from './mapped-row.js';
import type { MapQuestion } from './options.js';
import { readRows } from './read/read-rows.js';
import { selectRows } from './read/select-rows.js';

const plan = createPlan('Summarise', {
  inputs: z.object({ text: z.string() }),
  outputs: { summary: 'summary' },
}).addTask({ id: 'summary', description: 'Summarise {{inputs.text}}' });

/** A runner that answers with the prompt, later for some rows than for others. */
function echo() {
  const asked: string[] = [];
  const runner: TaskRunner = {
    name: 'echo',
    async run({ prompt }) {
      asked.push(prompt);
      // Rows end in another order than they begin.
      for (let turns = asked.length % 7; turns > 0; turns--) await Promise.resolve();
      if (prompt.includes('bad')) throw new Error('no answer');
      return { output: prompt.slice(10), usage: { inputTokens: 2, outputTokens: 1 }, costUsd: 0.5 };
    },
  };
  return { runner, asked };
}

function rowsOf(count: number): { text: string }[] {
  return Array.from({ length: count }, (_, index) => ({ text: `t${index}` }));
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe('mapDataset()', () => {
  test('gives the result of each row in the order of the rows', async () => {
    const { runner } = echo();
    const map = mapDataset(plan, rowsOf(100), { strategy: parallel(), runner, rowsPerRun: 7 });
    const results = await all(map);
    expect(results.map(({ outputs }) => outputs?.summary)).toEqual(
      rowsOf(100).map(({ text }) => text),
    );
    expect(results.map(({ row }) => row)).toEqual(Array.from({ length: 100 }, (_, at) => at + 1));
    expect(map.summary()).toMatchObject({
      status: 'completed',
      ...{ rows: 100, completed: 100, failed: 0, costUsd: 50 },
      usage: { inputTokens: 200, outputTokens: 100 },
    });
  });

  test('asks for streamed text where a listener gets it', async () => {
    const wanted: unknown[] = [];
    const runner: TaskRunner = {
      name: 'asked',
      async run(_, context) {
        wanted.push(context.wantsText);
        return { output: 'x' };
      },
    };
    const options = { strategy: parallel(), runner };
    await all(mapDataset(plan, rowsOf(1), options));
    await all(mapDataset(plan, rowsOf(1), { ...options, onEvent: () => {} }));
    await all(mapDataset(plan, rowsOf(1), { ...options, onEvent: () => {}, wantsText: false }));
    expect(wanted).toEqual([false, true, false]);
  });

  test('lets an instrumentation watch its runs', async () => {
    const begun: string[] = [];
    const instrumentation: Instrumentation = {
      beginRun({ runId }) {
        begun.push(runId);
        return { onEvent() {}, traceOf: () => undefined, end() {} };
      },
      attempt: (_, work) => work(),
      modelCall: (_, __, work) => work(),
      toolCall: (_, __, work) => work(),
    };
    const { runner } = echo();
    const options = { ...{ strategy: parallel(), runner, instrumentation }, rowsPerRun: 2 };
    const map = mapDataset(plan, rowsOf(4), options);
    await all(map);
    expect(begun).toEqual(map.summary().runIds);
  });

  test('keeps a failed row as a result, with its error', async () => {
    const { runner } = echo();
    const rows = [{ text: 'a' }, { text: 'bad' }, { text: 'c' }];
    const map = mapDataset(plan, rows, {
      ...{ strategy: parallel(), runner },
      retry: { maxAttempts: 1 },
    });
    const results = await all(map);
    expect(results[1]).toMatchObject({
      ...{ row: 2, status: 'failed', attempts: 1, input: { text: 'bad' } },
      error: {
        code: 'task_failed',
        taskId: 'summary',
        message: 'Task "summary" failed: no answer',
      },
    });
    expect(results[1]).not.toHaveProperty('outputs');
    expect(map.summary()).toMatchObject({ failed: 1, failuresByCode: { task_failed: 1 } });
  });

  test('reads no more rows than there is room for', async () => {
    const { runner } = echo();
    let read = 0;
    function* endless() {
      for (;;) yield { text: `t${read++}` };
    }
    const map = mapDataset(plan, endless(), {
      ...{ strategy: parallel(), runner, rowsPerRun: 10, maxOpenRuns: 3 },
    });
    let taken = 0;
    for await (const _ of map) {
      taken++;
      await new Promise((resolve) => setImmediate(resolve));
      expect(read - taken).toBeLessThanOrEqual(10 * 3 + 1);
      if (taken === 200) break;
    }
    expect(map.summary()).toMatchObject({ status: 'stopped', rows: 200 });
  });

  test('continues a map that was left, and asks for no row twice', async () => {
    const { runner, asked } = echo();
    const journal = memoryJournal();
    const options = { strategy: parallel(), runner, journal, mapId: 'm', rowsPerRun: 10 };
    let taken = 0;
    for await (const _ of mapDataset(plan, rowsOf(50), options)) if (++taken === 25) break;
    const results = await all(mapDataset(plan, rowsOf(50), options));
    expect(results.map(({ outputs }) => outputs?.summary)).toEqual(
      rowsOf(50).map(({ text }) => text),
    );
    // Attempts in flight were aborted, and began again.
    const counts = new Map<string, number>();
    for (const prompt of asked) counts.set(prompt, (counts.get(prompt) ?? 0) + 1);
    expect(counts.size).toBe(50);
    expect(asked.length).toBeLessThanOrEqual(55);
  });

  test('asks only for changed rows, wherever the others have moved', async () => {
    const { runner, asked } = echo();
    const journal = memoryJournal();
    const options = { strategy: parallel(), runner, journal, mapId: 'm', rowsPerRun: 10 };
    const rows = rowsOf(45);
    await all(mapDataset(plan, rows, options));
    asked.length = 0;
    const changed = [{ text: 'new' }, ...rows.slice(0, 20), { text: 'other' }, ...rows.slice(21)];
    const map = mapDataset(plan, changed, options);
    const results = await all(map);
    expect(results.map(({ outputs }) => outputs?.summary)).toEqual(changed.map(({ text }) => text));
    expect(asked).toEqual(['Summarise new', 'Summarise other']);
    expect(map.summary()).toMatchObject({ reused: 44, costUsd: 1 });
  });

  test('asks for nothing when a column was added that the plan does not use', async () => {
    const { runner, asked } = echo();
    const options = { strategy: parallel(), runner, journal: memoryJournal(), mapId: 'm' };
    await all(mapDataset(plan, rowsOf(5), options));
    asked.length = 0;
    const wider = rowsOf(5).map((row) => ({ ...row, note: 'x' }));
    const results = await all(mapDataset(plan, wider, options));
    expect(asked).toEqual([]);
    expect(results.map(({ input }) => input)).toEqual(wider);
  });

  test('asks before it does all rows again for a changed plan', async () => {
    const { runner, asked } = echo();
    const options = { strategy: parallel(), runner, journal: memoryJournal(), mapId: 'm' };
    await all(mapDataset(plan, rowsOf(5), options));
    asked.length = 0;
    const other = createPlan('Summarise', { inputs: z.object({ text: z.string() }) }).addTask({
      id: 'summary',
      description: 'Translate {{inputs.text}}',
    });
    const questions: unknown[] = [];
    const refused = mapDataset(other, rowsOf(5), {
      ...options,
      confirm: (question) => {
        questions.push(question);
        return false;
      },
    });
    expect(await all(refused)).toEqual([]);
    expect(asked).toEqual([]);
    expect(questions).toEqual([
      expect.objectContaining({
        ...{ kind: 'plan_changed', rowsLeft: 5 },
        forecast: expect.objectContaining({ costUsd: { expected: 2.5, low: 2.5, high: 2.5 } }),
      }),
    ]);
    expect(refused.summary().status).toBe('stopped');
    await all(mapDataset(other, rowsOf(5), { ...options, confirm: () => true }));
    expect(asked).toHaveLength(5);
  });

  test('does failed rows again on request, and only them', async () => {
    const { runner, asked } = echo();
    let isDown = true;
    const flaky: TaskRunner = {
      ...runner,
      async run(request, context) {
        if (isDown && request.prompt.endsWith('7')) throw new Error('down');
        return runner.run(request, context);
      },
    };
    const options = {
      ...{ strategy: parallel(), runner: flaky, journal: memoryJournal(), mapId: 'm' },
      ...{ rowsPerRun: 10, retry: { maxAttempts: 1 } },
    };
    const statuses = (results: readonly MappedRow<unknown>[]) =>
      results.filter(({ status }) => status === 'failed').map(({ row }) => row);
    expect(statuses(await all(mapDataset(plan, rowsOf(20), options)))).toEqual([8, 18]);
    isDown = false;
    asked.length = 0;
    expect(statuses(await all(mapDataset(plan, rowsOf(20), options)))).toEqual([8, 18]);
    expect(asked).toEqual([]);
    const again = await all(mapDataset(plan, rowsOf(20), { ...options, retryFailed: true }));
    expect(statuses(again)).toEqual([]);
    expect(asked).toEqual(['Summarise t7', 'Summarise t17']);
    expect(again[7]).toMatchObject({ row: 8, attempts: 2, outputs: { summary: 't7' } });
  });

  test('does a sample first, and forecasts the rest', async () => {
    const { runner, asked } = echo();
    const questions: unknown[] = [];
    const map = mapDataset(plan, rowsOf(100), {
      ...{ strategy: parallel(), runner, sample: 10 },
      confirm: (question) => {
        questions.push({ ...question, asked: asked.length });
        return questions.length > 1;
      },
    });
    expect(await all(map)).toHaveLength(10);
    expect(map.summary().status).toBe('stopped');
    expect(questions).toMatchObject([
      {
        ...{ kind: 'sample', rowsLeft: 90, asked: 10 },
        forecast: { rows: 90, from: 10, costUsd: { expected: 45 }, tokens: { expected: 270 } },
      },
    ]);
  });

  test('counts as left only rows that will send requests: neither recorded ones nor unchanged ones', async () => {
    const { runner, asked } = echo();
    const questions: MapQuestion[] = [];
    const options = {
      ...{ strategy: parallel(), runner, journal: memoryJournal(), rowsPerRun: 10 },
      confirm: (question: MapQuestion) => {
        questions.push(question);
        return true;
      },
    };
    // The second map has 45 rows of the first one, at other places, and one of them twice.
    await all(mapDataset(plan, rowsOf(45), { ...options, mapId: 'm' }));
    asked.length = 0;
    const moved = [...rowsOf(60).toReversed(), { text: 't3' }];
    async function* stream() {
      yield* moved;
    }
    const sampled = { ...options, mapId: 'other', sample: 5 };
    await all(mapDataset(plan, stream(), { ...sampled, again: stream }));
    expect(questions).toMatchObject([
      { kind: 'sample', rowsLeft: 10, forecast: { rows: 10, costUsd: { expected: 5 } } },
    ]);
    expect(asked).toHaveLength(15);

    // Nothing is left: nothing is asked.
    await all(mapDataset(plan, moved, sampled));
    expect(questions).toHaveLength(1);
    expect(asked).toHaveLength(15);
  });

  test.each([
    ['with', memoryJournal()],
    ['without', undefined],
  ])('counts no rows whose answers a cache has, %s a journal', async (_, journal) => {
    const { runner } = echo();
    // The answers to every second row cost nothing.
    const isStored = (prompt: string) => Number(prompt.slice(11)) % 2 === 0;
    const caching: TaskRunner = {
      ...runner,
      cached: async ({ prompt }) => (isStored(prompt) ? { output: prompt } : undefined),
      async run(request, context) {
        const answer = await runner.run(request, context);
        const free = { usage: { inputTokens: 0, outputTokens: 0 }, costUsd: 0 };
        return isStored(request.prompt) ? { ...answer, ...free } : answer;
      },
    };
    const questions: MapQuestion[] = [];
    const map = mapDataset(plan, rowsOf(60), {
      ...{ strategy: parallel(), runner: caching, journal, sample: 10, rowsPerRun: 20 },
      confirm: (question) => questions.push(question) < 0,
    });
    expect(await all(map)).toHaveLength(10);
    // Rows from the cache do not show what the others cost.
    expect(questions).toMatchObject([
      { rowsLeft: 25, forecast: { rows: 25, from: 5, costUsd: { expected: 12.5 } } },
    ]);
  });

  test.each([1, 2, 3])('counts %d rows that were added behind many recorded ones', async (more) => {
    const { runner } = echo();
    const options = {
      ...{ strategy: parallel(), runner, journal: memoryJournal(), mapId: 'm' },
      ...{ rowsPerRun: 1, sample: 5 },
    };
    await all(mapDataset(plan, rowsOf(60), options));
    const rowsLeft: (number | undefined)[] = [];
    const confirm = (question: MapQuestion) => rowsLeft.push(question.rowsLeft) < 0;
    await all(mapDataset(plan, rowsOf(60 + more), { ...options, confirm }));
    expect(rowsLeft).toEqual([more]);
  });

  test('counts the rows of later groups for a changed plan, whose answers are recorded already', async () => {
    const { runner } = echo();
    const options = {
      ...{ strategy: parallel(), runner, journal: memoryJournal(), rowsPerRun: 10 },
    };
    const translation = createPlan('Summarise', {
      inputs: z.object({ text: z.string() }),
    }).addTask({ id: 'summary', description: 'Translate {{inputs.text}}' });
    await all(mapDataset(plan, rowsOf(40), { ...options, mapId: 'm' }));
    await all(mapDataset(translation, rowsOf(25), { ...options, mapId: 'other' }));
    const rowsLeft: (number | undefined)[] = [];
    const confirm = (question: MapQuestion) => rowsLeft.push(question.rowsLeft) < 0;
    await all(mapDataset(translation, rowsOf(40), { ...options, mapId: 'm', confirm }));
    expect(rowsLeft).toEqual([15]);
  });

  test('reads recorded runs no faster than their results are taken', async () => {
    const { runner, asked } = echo();
    const journal = memoryJournal();
    const options = { strategy: parallel(), runner, journal, mapId: 'm', rowsPerRun: 5 };
    await all(mapDataset(plan, rowsOf(60), options));
    asked.length = 0;
    const read = new Set<string>();
    const watched: Journal = {
      ...journal,
      create: (run) => journal.create(run),
      list: () => journal.list(),
      lookup: (key) => journal.lookup(key),
      open: (runId) => journal.open(runId),
      read(runId) {
        read.add(runId);
        return journal.read(runId);
      },
    };
    const map = mapDataset(plan, rowsOf(65), { ...options, journal: watched });
    for await (const { row } of map) {
      await new Promise(setImmediate);
      if (row <= 60) expect(read.size).toBeLessThanOrEqual(Math.ceil(row / 5) + 1);
    }
    expect(read.size).toBe(12);
    expect(asked).toHaveLength(5);
  });

  /** Rows of which two fail, until the runner is repaired. */
  function failing() {
    const { runner, asked } = echo();
    const state = { isDown: true };
    const flaky: TaskRunner = {
      ...runner,
      async run(request, context) {
        if (state.isDown && request.prompt.endsWith('7')) throw new Error('down');
        return runner.run(request, context);
      },
    };
    const options = {
      ...{ strategy: parallel(), runner: flaky, journal: memoryJournal(), mapId: 'm' },
      ...{ rowsPerRun: 10, retry: { maxAttempts: 1 } },
    };
    return { asked, options, repair: () => Object.assign(state, { isDown: false }) };
  }

  test.each([
    ['with a sample', { sample: 3 }, {}],
    ['without a sample', {}, { sample: 3 }],
    ['in small groups', { rowsPerRun: 4 }, { rowsPerRun: 50 }],
    ['in large groups', { rowsPerRun: 50 }, { rowsPerRun: 4 }],
  ])('keeps the groups of an earlier map %s', async (_, before, now) => {
    const { asked, options, repair } = failing();
    const first = mapDataset(plan, rowsOf(30), { ...options, ...before });
    await all(first);
    asked.length = 0;
    repair();
    // Failed rows are results: they are not done again unless that is asked for.
    const same = mapDataset(plan, rowsOf(30), { ...options, ...now });
    await all(same);
    expect([asked, same.summary()]).toMatchObject([[], { restored: 30, failed: 3, reused: 0 }]);
    const again = mapDataset(plan, rowsOf(40), { ...options, ...now, retryFailed: true });
    const results = await all(again);
    expect(asked.filter((prompt) => Number(prompt.slice(11)) < 30)).toEqual([
      ...['Summarise t7', 'Summarise t17', 'Summarise t27'],
    ]);
    const { runIds } = first.summary();
    expect(again.summary()).toMatchObject({ rows: 40, failed: 0, restored: 27 });
    expect(again.summary().runIds.slice(0, runIds.length)).toEqual(runIds);
    expect(results.map(({ outputs }) => outputs?.summary)).toEqual(
      rowsOf(40).map(({ text }) => text),
    );
  });

  test('does no more rows than its sample when an earlier map has begun a larger group', async () => {
    const { runner, asked } = echo();
    const options = { runner, journal: memoryJournal(), mapId: 'm', rowsPerRun: 20 };
    const strategy = parallel({ maxParallel: 1 });
    for await (const { row } of mapDataset(plan, rowsOf(40), { ...options, strategy })) {
      if (row === 2) break;
    }
    asked.length = 0;
    const sampled = mapDataset(plan, rowsOf(40), {
      ...{ ...options, strategy, sample: 5 },
      confirm: () => false,
    });
    expect(await all(sampled)).toHaveLength(5);
    expect(asked.length).toBeLessThanOrEqual(3);
  });

  test('does the rows before one that cannot be read, and continues behind them', async () => {
    const { runner, asked } = echo();
    const options = { strategy: parallel(), runner, journal: memoryJournal(), mapId: 'm' };
    function* torn() {
      yield* rowsOf(25);
      throw new Error('line 26 is torn');
    }
    const taken: unknown[] = [];
    const map = mapDataset(plan, torn(), { ...options, rowsPerRun: 10 });
    const read = async () => {
      for await (const { outputs } of map) taken.push(outputs?.summary);
    };
    await expect(read()).rejects.toThrow('line 26 is torn');
    expect(taken).toEqual(rowsOf(25).map(({ text }) => text));
    expect(map.summary()).toMatchObject({ status: 'failed', rows: 25, completed: 25 });
    asked.length = 0;
    const whole = mapDataset(plan, rowsOf(40), { ...options, rowsPerRun: 10 });
    expect(await all(whole)).toHaveLength(40);
    expect(whole.summary()).toMatchObject({ restored: 25 });
    expect(asked).toHaveLength(15);
  });

  test('tells its rows from a list that is the same for all of them', async () => {
    const listed = createPlan('List', {
      inputs: z.object({ text: z.string(), tags: z.array(z.string()) }),
      outputs: { summary: 'summary' },
    }).addTask({ id: 'summary', description: 'Summarise {{inputs.text}}{{inputs.tags}}' });
    const { runner, asked } = echo();
    const options = {
      ...{ strategy: parallel(), runner, journal: memoryJournal(), mapId: 'm' },
      ...{ inputs: { tags: ['a'] } },
    };
    const rows = rowsOf(5) as never;
    await all(mapDataset(listed, rows, options));
    const again = mapDataset(listed, rows, options);
    expect(await all(again)).toHaveLength(5);
    expect(again.summary()).toMatchObject({ completed: 5, restored: 5 });
    expect(asked).toHaveLength(5);
  });

  test('says how many rows an earlier map has done', async () => {
    const { runner, asked } = echo();
    const options = {
      strategy: parallel(),
      runner,
      journal: memoryJournal(),
      mapId: 'm',
      rowsPerRun: 5,
    };
    const rows = rowsOf(20).with(6, { text: 'bad' });
    const first = mapDataset(plan, rows, options);
    await all(first);
    expect(first.summary()).toMatchObject({ rows: 20, failed: 1, restored: 0 });
    const count = asked.length;
    const again = mapDataset(plan, rows, { ...options, retryFailed: true });
    await all(again);
    expect(asked.length).toBeGreaterThan(count);
    expect(again.summary()).toMatchObject({ rows: 20, failed: 1, restored: 19 });
    expect(again.progress()).toMatchObject({ done: 20, restored: 19 });
    const whole = mapDataset(plan, rows, options);
    for await (const { row } of whole) if (row === 3) break;
    expect(whole.summary()).toMatchObject({ rows: 3, restored: 3 });
  });

  test('a sample may be larger than the rows of one run, and smaller than the file', async () => {
    const { runner } = echo();
    const rowsLeft: (number | undefined)[] = [];
    const options = {
      ...{ strategy: parallel(), runner, rowsPerRun: 10 },
      confirm: (question: MapQuestion) => rowsLeft.push(question.rowsLeft) > 5,
    };
    expect(await all(mapDataset(plan, rowsOf(100), { ...options, sample: 25 }))).toHaveLength(25);
    expect(rowsLeft).toEqual([75]);
    expect(await all(mapDataset(plan, rowsOf(30), { ...options, sample: 50 }))).toHaveLength(30);
    expect(rowsLeft).toEqual([75]);
  });

  test('keeps one budget for all rows, and continues with a higher one', async () => {
    const { runner, asked } = echo();
    const options = {
      ...{ strategy: parallel({ maxParallel: 2 }), runner, journal: memoryJournal() },
      ...{ mapId: 'm', rowsPerRun: 5 },
    };
    const limited = mapDataset(plan, rowsOf(30), { ...options, budget: { tokens: 36 } });
    await expect(all(limited)).rejects.toMatchObject({ code: 'budget_exceeded' });
    expect(limited.summary().status).toBe('failed');
    expect(asked.length).toBeGreaterThanOrEqual(11);
    expect(asked.length).toBeLessThanOrEqual(13);
    const before = asked.length;
    expect(await all(mapDataset(plan, rowsOf(30), options))).toHaveLength(30);
    expect(asked).toHaveLength(30);
    expect(before).toBeLessThan(30);
  });

  test('gives tasks of an adaptive strategy one limit for all runs', async () => {
    let inFlight = 0;
    let most = 0;
    const events: RunEvent[] = [];
    const runner: TaskRunner = {
      name: 'slow',
      async run({ prompt }) {
        most = Math.max(most, ++inFlight);
        await new Promise((resolve) => setImmediate(resolve));
        inFlight--;
        return { output: prompt };
      },
    };
    const map = mapDataset(plan, rowsOf(100), {
      ...{ strategy: adaptive({ maxParallel: 6 }), runner, rowsPerRun: 8 },
      onEvent: (event) => events.push(event),
    });
    expect(await all(map)).toHaveLength(100);
    expect(most).toBeLessThanOrEqual(6);
    expect(most).toBeGreaterThan(1);
  });

  test('reads cells for inputs of other types, and uses defaults for empty ones', async () => {
    const typed = createPlan('Typed', {
      inputs: z.object({
        text: z.string(),
        stars: z.number().default(3),
        tags: z.array(z.string()).optional(),
        tone: z.string(),
      }),
    }).addTask({ id: 'shown', run: ({ inputs }) => ({ ...inputs }) });
    const rows = [
      { text: '5', stars: '1', tags: '["a"]' },
      { text: '', stars: '', tags: '' },
      { text: 'x', stars: 'many', tags: '' },
    ];
    const options = { strategy: parallel(), textCells: true, inputs: { tone: 'calm' } };
    const results = await all(mapDataset(typed, rows, options));
    expect(results.map(({ outputs }) => outputs?.shown)).toEqual([
      { text: '5', stars: 1, tags: ['a'], tone: 'calm' },
      { text: '', stars: 3, tone: 'calm' },
      undefined,
    ]);
    expect(results[2]?.error).toMatchObject({
      code: 'invalid_input',
      message: expect.stringMatching(/^the row does not fit the inputs of the plan: stars: /),
    });
  });

  test('takes the inputs from a function of the row', async () => {
    const map = mapDataset(
      plan,
      [1, 2].map((n) => ({ n })),
      {
        ...{ strategy: parallel(), runner: echo().runner },
        bind: ({ n }) => ({ text: `number ${n}` }),
      },
    );
    const summaries: (string | undefined)[] = [];
    for await (const { outputs } of map) summaries.push(outputs?.summary);
    expect(summaries).toEqual(['number 1', 'number 2']);
  });

  test('says which inputs have no column, and which was meant', async () => {
    const rows = [{ txt: 'a' }];
    const map = mapDataset(plan, rows as never, { strategy: parallel(), runner: echo().runner });
    await expect(all(map)).rejects.toThrow(
      'no column for the input text. Did you mean "txt"? Bind one: { text: \'COLUMN\' }',
    );
    const bound = mapDataset(plan, rows as never, {
      ...{ strategy: parallel(), runner: echo().runner, bind: { text: 'txt' } as never },
    });
    expect((await all(bound)).map(({ outputs }) => outputs)).toEqual([{ summary: 'a' }]);
  });

  test('checks the columns of a file without rows', async () => {
    const file = async (text: string) => {
      async function* bytes() {
        yield new TextEncoder().encode(text);
      }
      const rows = selectRows(readRows(bytes(), { format: 'csv' }), { textCells: true });
      const options = { strategy: parallel(), runner: echo().runner, textCells: true };
      return all(mapDataset(plan, rows as never, options));
    };
    expect(await file('text,stars\n')).toEqual([]);
    await expect(file('txt,stars\n')).rejects.toThrow(
      'no column for the input text. Did you mean "txt"?',
    );
  });

  test('finds a column whose name is written with other characters that look the same', async () => {
    const composed = createPlan('Show', {
      inputs: z.object({ gr\u00f6\u00dfe: z.string() }),
    }).addTask({ id: 'shown', run: ({ inputs }) => Object.values(inputs) });
    const rows = [{ 'gro\u0308\u00dfe': 'x' }] as never;
    const [row] = await all(mapDataset(composed, rows, { strategy: parallel() }));
    expect(row?.outputs?.shown).toEqual(['x']);
  });
});
