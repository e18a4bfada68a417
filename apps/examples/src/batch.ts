import { createExecutor, createPlan, type PlanResult, type TaskRunner } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { announce, chooseRunner } from './choose-runner.js';
import { excerpt, printMetrics, title } from './print.js';

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
      description: `Summarise the market position of ${company} in two sentences.`,
    });
  }
  const executor = createExecutor({ strategy: parallel({ maxParallel: 5 }), runner });
  return await executor.execute(plan);
}

export async function main(runner: TaskRunner): Promise<void> {
  title('Batch: ten companies, five at a time');
  const result = await run(runner);
  for (const company of COMPANIES.slice(0, 3)) {
    console.log(`  ${company.padEnd(10)} ${excerpt(result.outputs[company])}`);
  }
  console.log(`  … and ${COMPANIES.length - 3} more\n`);
  printMetrics(result.metrics);
  if (result.status !== 'completed') throw result.error;
}

if (import.meta.main) {
  const runner = await chooseRunner();
  announce(runner);
  await main(runner);
}
