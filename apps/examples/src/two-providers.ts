import { createExecutor, createPlan, type PlanResult, type TaskRunner } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { simulated } from '@stratagem/simulated';
import { excerpt, seconds, title } from './print.js';

const plan = createPlan('Name a product')
  .addTask({ id: 'names', description: 'Suggest three names for a notebook that plans for you.' })
  .addTask({
    id: 'choice',
    description: 'Choose the best one and say why.',
    dependencies: ['names'],
  });

/** The same plan on any number of runners: only `runner` changes. */
export function run(runners: readonly TaskRunner[]): Promise<PlanResult[]> {
  return Promise.all(
    runners.map(
      async (runner) => await createExecutor({ strategy: parallel(), runner }).execute(plan),
    ),
  );
}

/** OpenAI and Anthropic, each replaced by a simulated model where its key is not set. */
export async function chooseTwo(): Promise<TaskRunner[]> {
  const { OPENAI_API_KEY, ANTHROPIC_API_KEY } = process.env;
  return [
    OPENAI_API_KEY
      ? (await import('@stratagem/openai')).openai()
      : simulated({ model: 'in place of openai', seed: 1 }),
    ANTHROPIC_API_KEY
      ? (await import('@stratagem/anthropic')).anthropic()
      : simulated({ model: 'in place of anthropic', seed: 2 }),
  ];
}

if (import.meta.main) {
  title('One plan, two providers');
  const runners = await chooseTwo();
  if (runners.some(({ name }) => name === 'simulated')) {
    console.log(
      '  OPENAI_API_KEY or ANTHROPIC_API_KEY is not set: using the simulated model for it.',
    );
  }
  for (const [index, result] of (await run(runners)).entries()) {
    if (result.status !== 'completed') throw result.error;
    console.log(`\n  ${runners[index]?.resource}, ${seconds(result.metrics.executionTimeMs)}`);
    console.log(`  ${excerpt(result.outputs.choice)}`);
  }
}
