import { access } from 'node:fs/promises';
import type { TaskRunner } from '@stratagem/core';
import { createPlan } from '@stratagem/core';
import { mapDataset, openRowsFile, readRows } from '@stratagem/datasets';
import { openai } from '@stratagem/openai';
import { parallel } from '@stratagem/parallel';
import { rateLimit } from '@stratagem/runners';
import { sqliteJournal } from '@stratagem/sqlite';
import * as z from 'zod';
import { childArguments } from '../util/child-process.js';

/** How a map is run. */
export interface MapJob {
  /** The folder of the journal and the output. */
  readonly folder: string;
  /** A file with rows; otherwise so many rows of 1 KB are made. */
  readonly file?: string;
  readonly rows?: number;
  readonly maxParallel: number;
  readonly durability: 'full' | 'normal';
  /** The URL of a server; otherwise each answer takes a millisecond. */
  readonly url?: string;
  readonly requestsPerMinute?: number;
}

export interface MapFigures {
  readonly ms: number;
  /** The CPU time of the process since the map began. */
  readonly cpuMs: number;
  /** The same until the first request; undefined when there was none, or when it went to a server. */
  readonly firstRequest: { readonly ms: number; readonly cpuMs: number } | undefined;
  readonly peakMegabytes: number;
  readonly completed: number;
  readonly reused: number;
}

const plan = createPlan('Summarise', {
  inputs: z.object({ text: z.string() }),
  outputs: { summary: 'summary' },
}).addTask({
  id: 'summary',
  description: 'Summarise {{inputs.text}}',
  retry: { maxAttempts: 20, initialDelayMs: 50, maxDelayMs: 200 },
});

const [job] = childArguments() as [MapJob];
const { folder, file, rows = 0, maxParallel, durability, url, requestsPerMinute } = job;
let firstRequest: MapFigures['firstRequest'];
const quick: TaskRunner = {
  name: 'quick',
  async run({ prompt }) {
    firstRequest ??= { ms: performance.now() - started, cpuMs: cpuMs() };
    await new Promise((resolve) => setTimeout(resolve, 1));
    return {
      output: `summary of ${prompt.slice(10, 30)}`,
      usage: { inputTokens: 250, outputTokens: 5 },
    };
  },
};
const model = url === undefined ? quick : openai({ model: 'm', apiKey: 'none', baseURL: url });
const runner = requestsPerMinute === undefined ? model : rateLimit(model, { requestsPerMinute });

function* made(): Generator<{ text: string }> {
  for (let row = 0; row < rows; row++) yield { text: `row ${row} ${'x'.repeat(1_000)}` };
}

await access(folder);
const journal = sqliteJournal({ directory: `${folder}/journal`, durability });
const started = performance.now();
const cpuBefore = process.cpuUsage();
const map = mapDataset(
  plan,
  file === undefined ? made() : (readRows(file) as AsyncIterable<{ text: string }>),
  {
    ...{ strategy: parallel({ maxParallel }), runner, journal, mapId: 'bench' },
  },
);
const output = await openRowsFile(`${folder}/out.jsonl`);
for await (const row of map) await output.write(row);
await output.finish();
await journal.close();
const { completed, reused } = map.summary();
const figures: MapFigures = {
  ms: performance.now() - started,
  cpuMs: cpuMs(),
  firstRequest,
  peakMegabytes: process.resourceUsage().maxRSS / 1_000,
  ...{ completed, reused },
};
console.log(JSON.stringify(figures));

function cpuMs(): number {
  const { user, system } = process.cpuUsage(cpuBefore);
  return (user + system) / 1_000;
}
