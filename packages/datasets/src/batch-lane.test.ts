import { createPlan, memoryJournal, type TaskRunner, tool } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { mapDataset } from './map-dataset.js';

const look = tool({
  name: 'look',
  description: 'Looks',
  inputSchema: z.object({}),
  execute: () => 'seen',
});

const plan = createPlan('Two', { inputs: z.object({ text: z.string() }) })
  .addTask({ id: 'plain', description: 'Plain {{inputs.text}}' })
  .addTask({ id: 'warm', description: 'Warm {{inputs.text}}', temperature: 1 })
  .addTask({ id: 'looking', description: 'Look {{inputs.text}}', tools: [look] });

const usage = { inputTokens: 1, outputTokens: 1 };

test('sends tasks without tools and unknown options through the batch runner, all at once', async () => {
  const sent: Record<string, string[]> = { live: [], batch: [] };
  let waiting: (() => void)[] = [];
  const live: TaskRunner = {
    ...{ name: 'live', resource: 'live/m', supportsTools: true },
    supportedOptions: ['temperature'],
    async run({ taskId }) {
      sent.live?.push(taskId);
      return { output: 'live', usage, costUsd: 1 };
    },
  };
  const batch: TaskRunner = {
    ...{ name: 'batch', resource: 'batch/m' },
    async run({ taskId }) {
      sent.batch?.push(taskId);
      // The job ends when all rows wait for it.
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        if (waiting.length < 40) return;
        for (const each of waiting) each();
        waiting = [];
      });
      return { output: 'batch', usage, costUsd: 0.5 };
    },
  };
  const rows = Array.from({ length: 40 }, (_, index) => ({ text: `t${index}` }));
  const options = {
    ...{ strategy: parallel({ maxParallel: 2 }), runner: live, batch },
    ...{ journal: memoryJournal(), mapId: 'm' },
  };
  const map = mapDataset(plan, rows, options);
  for await (const { outputs } of map) {
    expect(outputs).toEqual({ plain: 'batch', warm: 'live', looking: 'live' });
  }
  expect(sent.batch).toHaveLength(40);
  expect(sent.live).toHaveLength(80);
  const lanes = {
    'batch/m': { requests: 40, costUsd: 20 },
    'live/m': { requests: 80, costUsd: 80 },
  };
  expect(map.summary()).toMatchObject({ costUsd: 100, lanes });
  // The record says the same.
  const again = mapDataset(plan, rows, options);
  for await (const _ of again);
  expect(again.summary()).toMatchObject({ costUsd: 100, lanes });
  expect(sent.batch).toHaveLength(40);
});

test('refuses a batch runner that is none', () => {
  const runner: TaskRunner = { name: 'x', run: async () => ({ output: 1 }) };
  const options = { strategy: parallel(), runner, batch: { ...runner } };
  expect(() => mapDataset(plan, [], options)).toThrow('batch must be a runner over a Batch API');
  expect(() => mapDataset(plan, [], { strategy: parallel(), batch: runner })).toThrow(
    'batch needs a runner for the tasks that it cannot carry out',
  );
});
