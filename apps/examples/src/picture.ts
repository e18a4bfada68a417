import { writeFile } from 'node:fs/promises';
import { createExecutor, createPlan } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { drawGantt } from './gantt.js';
import { runIfMain } from './run-if-main.js';

/** Stands in for real work of this duration. */
function takes(ms: number) {
  return () => new Promise<void>((resolve) => setTimeout(resolve, ms));
}

export async function run(): Promise<string> {
  const plan = createPlan('Report on three companies')
    .addTask({ id: 'find companies', run: takes(500) })
    .addTask({ id: 'read filings', dependencies: ['find companies'], run: takes(1400) })
    .addTask({ id: 'read news', dependencies: ['find companies'], run: takes(500) })
    .addTask({ id: 'read reviews', dependencies: ['find companies'], run: takes(800) })
    .addTask({ id: 'finances', dependencies: ['read filings'], run: takes(700) })
    .addTask({ id: 'risks', dependencies: ['read filings', 'read news'], run: takes(600) })
    .addTask({ id: 'sentiment', dependencies: ['read news', 'read reviews'], run: takes(900) })
    .addTask({ id: 'customers', dependencies: ['read reviews'], run: takes(500) })
    .addTask({ id: 'outlook', dependencies: ['finances', 'risks', 'sentiment'], run: takes(700) })
    .addTask({ id: 'report', dependencies: ['outlook', 'customers'], run: takes(400) });
  const result = await createExecutor({ strategy: parallel({ maxParallel: 3 }) }).execute(plan);
  return drawGantt(result);
}

// Writes the picture to the given file, or to standard output.
await runIfMain(import.meta, async () => {
  const [file] = process.argv.slice(2);
  const picture = await run();
  if (file === undefined) process.stdout.write(picture);
  else await writeFile(file, picture);
});
