import type { Plan, TaskRunner } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { type PlanAndExecuteOptions, planAndExecute } from '@stratagem/planner';
import { chooseRunner } from './choose-runner.js';
import { printText, seconds, title } from './print.js';
import { runIfMain } from './run-if-main.js';

const GOAL =
  'Research the market for heat pumps in Europe, compare the three largest makers, ' +
  'then write a report for investors';

/** At most six tasks and one round of re-planning, with one token budget for everything. */
export function run(runner: TaskRunner, options: Partial<PlanAndExecuteOptions> = {}) {
  return planAndExecute(GOAL, {
    strategy: parallel({ maxParallel: 5 }),
    runner,
    maxSubtasks: 6,
    maxDepth: 1,
    replan: { maxRounds: 1 },
    budget: { tokens: 200_000 },
    ...options,
  });
}

/** Reviews the model's plan: prints it and accepts it. Returning false would cancel the run. */
function show({ tasks }: Plan): true {
  for (const { id, dependencies = [] } of tasks) {
    const after = dependencies.length === 0 ? '' : ` after ${dependencies.join(', ')}`;
    console.log(`  ${id}${after}`);
  }
  return true;
}

export async function main(runner?: TaskRunner): Promise<void> {
  title('Research report: from a goal to one final output');
  const chosen = runner ?? (await chooseRunner());
  const { status, error, output, planning, result, usage, costUsd } = await run(chosen, {
    review: show,
  });
  if (status !== 'completed') throw error;
  console.log();
  printText(output, 4);
  const plannedIn = seconds(planning.result?.metrics.executionTimeMs ?? 0);
  const { executionTimeMs, speedup } = result.metrics;
  console.log(`\n  planned in ${plannedIn}, run in ${seconds(executionTimeMs)}`);
  console.log(`  ${speedup.toFixed(1)} times as fast as one task at a time`);
  console.log(`  ${usage.inputTokens} input tokens, ${usage.outputTokens} output tokens`);
  console.log(`  cost: ${costUsd === null ? 'unknown' : `$${costUsd.toFixed(4)}`}`);
}

await runIfMain(import.meta, main);
