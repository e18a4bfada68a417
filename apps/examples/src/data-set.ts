import { fileURLToPath } from 'node:url';
import { createPlan, type TaskRunner } from '@stratagem/core';
import { type MapSummary, mapDataset, readRows } from '@stratagem/datasets';
import { parallel } from '@stratagem/parallel';
import * as z from 'zod';
import { chooseRunner } from './choose-runner.js';
import { seconds, title } from './print.js';
import { runIfMain } from './run-if-main.js';

const FILE = fileURLToPath(new URL('../data/reviews.csv', import.meta.url));

const plan = createPlan('Sort reviews', {
  inputs: z.object({ product: z.string(), review: z.string(), stars: z.number() }),
  outputs: { complaint: 'complaint' },
}).addTask({
  id: 'complaint',
  description:
    'What does this review with {{inputs.stars}} stars complain about? In a few words, or "nothing". ' +
    '{{inputs.product}}: {{inputs.review}}',
});

/** A plan for each of the hundred rows of a CSV file, in their order. */
export async function run(
  runner: TaskRunner,
  print: (line: string) => void = () => {},
): Promise<MapSummary> {
  const rows = readRows(FILE);
  const map = mapDataset(plan, rows, {
    strategy: parallel({ maxParallel: 10 }),
    runner,
    textCells: rows.hasTextCells,
  });
  for await (const { row, input, outputs, error } of map) {
    if (row > 3) continue;
    const answer = String(outputs?.complaint ?? error?.message).replace(/\s+/g, ' ');
    print(`  ${row}  ${String(input.review).padEnd(52)} ${answer.slice(0, 40)}`);
  }
  return map.summary();
}

export async function main(runner: TaskRunner): Promise<void> {
  title('Data set: a hundred reviews of a CSV file');
  const { rows, completed, failed, usage, durationMs } = await run(runner, (line) =>
    console.log(line),
  );
  console.log(`  … and ${rows - 3} more\n`);
  console.log(`  ${completed} completed, ${failed} failed, in ${seconds(durationMs)}`);
  console.log(`  ${(usage?.inputTokens ?? 0) + (usage?.outputTokens ?? 0)} tokens`);
}

await runIfMain(import.meta, async () => main(await chooseRunner()));
