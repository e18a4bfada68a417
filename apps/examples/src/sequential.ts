import { createExecutor, createPlan, type TaskRunner } from '@stratagem/core';
import { sequential } from '@stratagem/sequential';
import { chooseRunner } from './choose-runner.js';
import { printText, title } from './print.js';
import { runIfMain } from './run-if-main.js';

/** Three tasks, one after the other; each receives the output of the one before. */
export async function run(runner: TaskRunner) {
  const plan = createPlan('A short story')
    .addTask({ id: 'idea', description: 'Think of an idea for a story, in one sentence.' })
    .addTask({ id: 'draft', description: 'Write five sentences.', dependencies: ['idea'] })
    .addTask({ id: 'title', description: 'Find a title for this.', dependencies: ['draft'] });
  return await createExecutor({ strategy: sequential(), runner }).execute(plan);
}

export async function main(runner: TaskRunner): Promise<void> {
  title('Sequential: idea → draft → title');
  const result = await run(runner);
  for (const { id, status, output } of result.tasks) {
    console.log(`  ${id.padEnd(6)} ${status}`);
    if (status === 'completed') printText(output, 9);
  }
  if (result.status !== 'completed') throw result.error;
}

await runIfMain(import.meta, async () => main(await chooseRunner()));
