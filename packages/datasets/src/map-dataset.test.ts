import { adaptive } from '@stratagem/adaptive';
import { createPlan, type Instrumentation, type RunEvent, type TaskRunner } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { all, echo, plan, rowsOf } from '../test/maps.js';
import { mapDataset } from './map-dataset.js';
import { readRows } from './read/read-rows.js';
import { selectRows } from './read/select-rows.js';

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
