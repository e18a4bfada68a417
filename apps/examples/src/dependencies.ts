import { createExecutor, createPlan, type TaskRunner } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { chooseRunner } from './choose-runner.js';
import { printMetrics, printText, printTimeline, title } from './print.js';
import { runIfMain } from './run-if-main.js';

/** Research, then three parallel analyses, then a report with the outputs of all three. */
export async function run(runner: TaskRunner) {
  const plan = createPlan('Report on the AI industry')
    .addTask({
      id: 'research',
      description: 'Gather market data for the AI industry.',
      type: 'observation',
    })
    .addTask({
      id: 'trends',
      description: 'Analyse the technology trends in these data.',
      dependencies: ['research'],
    })
    .addTask({
      id: 'market-size',
      description: 'Estimate the size of the market from these data.',
      dependencies: ['research'],
    })
    .addTask({
      id: 'competition',
      description: 'Describe the competitive landscape in these data.',
      dependencies: ['research'],
    })
    .addTask({
      id: 'report',
      description: 'Write a report of three paragraphs.',
      type: 'aggregate',
      dependencies: ['trends', 'market-size', 'competition'],
    });
  const executor = createExecutor({ strategy: parallel({ maxParallel: 3 }), runner });
  return await executor.execute(plan);
}

export async function main(runner: TaskRunner): Promise<void> {
  title('Dependencies: research → three analyses → report');
  const result = await run(runner);
  printTimeline(result);
  console.log();
  printMetrics(result.metrics);
  if (result.status !== 'completed') throw result.error;
  console.log();
  printText(result.outputs.report);
}

await runIfMain(import.meta, async () => main(await chooseRunner()));
