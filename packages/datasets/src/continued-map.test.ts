import { createPlan, type Journal, memoryJournal, type TaskRunner } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { all, echo, plan, rowsOf } from '../test/maps.js';
import { mapDataset } from './map-dataset.js';
import type { MappedRow } from './mapped-row.js';

describe('a map that continues an earlier one', () => {
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
});
