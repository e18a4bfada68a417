import { createExecutor, createPlan, type PlanResult, type TaskRunner } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { chooseRunner } from './choose-runner.js';
import { printMetrics, printTask, title } from './print.js';
import { runIfMain } from './run-if-main.js';

const COMPANIES = [
  'Apple',
  'Microsoft',
  'Alphabet',
  'Amazon',
  'NVIDIA',
  'Meta',
  'Tesla',
  'Samsung',
  'TSMC',
  'ASML',
];

/** Ten independent tasks, five at a time. */
export async function run(runner: TaskRunner): Promise<PlanResult> {
  const plan = createPlan('Analyse ten companies');
  for (const company of COMPANIES) {
    plan.addTask({
      id: company,
      description: `What is ${company} known for?`,
    });
  }
  const executor = createExecutor({ strategy: parallel({ maxParallel: 5 }), runner });
  return await executor.execute(plan);
}

export async function main(runner: TaskRunner): Promise<void> {
  title('Batch: ten companies, five at a time');
  const result = await run(runner);
  for (const task of result.tasks.slice(0, 3)) printTask(task);
  console.log(`  … and ${result.tasks.length - 3} more\n`);
  printMetrics(result.metrics);
  if (result.status !== 'completed') throw result.error;
}

await runIfMain(import.meta, async () => main(await chooseRunner()));
