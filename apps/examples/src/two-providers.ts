import { createExecutor, createPlan, type PlanResult, type TaskRunner } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { type SimulatedOptions, simulated } from '@stratagem/simulated';
import { printText, seconds, title } from './print.js';
import { runIfMain } from './run-if-main.js';

const plan = createPlan('Name a product')
  .addTask({ id: 'names', description: 'Suggest three names for a notebook that plans for you.' })
  .addTask({
    id: 'choice',
    description: 'Choose the best one and say why.',
    dependencies: ['names'],
  });

/** Runs the same plan on each runner; only `runner` changes. */
export function run(runners: readonly TaskRunner[]): Promise<PlanResult[]> {
  return Promise.all(
    runners.map(
      async (runner) => await createExecutor({ strategy: parallel(), runner }).execute(plan),
    ),
  );
}

/** Returns OpenAI and Anthropic, with a simulated model in place of one whose API key is not set. */
export async function chooseTwo(): Promise<TaskRunner[]> {
  const { OPENAI_API_KEY, ANTHROPIC_API_KEY } = process.env;
  return [
    OPENAI_API_KEY
      ? (await import('@stratagem/openai')).openai()
      : standIn('OPENAI_API_KEY', { model: 'instead-of-openai', seed: 1 }),
    ANTHROPIC_API_KEY
      ? (await import('@stratagem/anthropic')).anthropic()
      : standIn('ANTHROPIC_API_KEY', { model: 'instead-of-anthropic', seed: 2 }),
  ];
}

function standIn(key: string, options: SimulatedOptions): TaskRunner {
  console.log(`${key} is not set: using the simulated model instead.`);
  return simulated(options);
}

export async function main(runners: readonly TaskRunner[]): Promise<void> {
  title('One plan, two providers');
  for (const [index, result] of (await run(runners)).entries()) {
    if (result.status !== 'completed') throw result.error;
    if (index > 0) console.log();
    console.log(`  ${runners[index]?.resource}, ${seconds(result.metrics.executionTimeMs)}`);
    printText(result.outputs.choice, 4);
  }
}

await runIfMain(import.meta, async () => {
  const runners = await chooseTwo();
  console.log();
  await main(runners);
});
