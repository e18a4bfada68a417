import { createPlan, memoryJournal, type TaskRunner } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { all, echo, plan, rowsOf } from '../test/maps.js';
import { mapDataset } from './map-dataset.js';
import type { MapQuestion } from './options.js';

describe('a map that asks', () => {
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
});
