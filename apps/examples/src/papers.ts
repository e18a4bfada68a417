import { createExecutor, createPlan, type TaskRunner } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import * as z from 'zod';
import { chooseRunner } from './choose-runner.js';
import { printMetrics, printTimeline, title } from './print.js';
import { runIfMain } from './run-if-main.js';

const SOURCES = ['arXiv', 'PubMed', 'DBLP', 'Semantic Scholar', 'OpenAlex', 'CORE', 'bioRxiv'];

/** Searches the sources, two at a time, and stops as soon as three papers have been found. */
export async function run(runner: TaskRunner, wanted = 3) {
  const plan = createPlan(`Find ${wanted} papers about battery ageing`, {
    goalState: {
      criteria: [{ count: 'outputs.*.papers', operator: '>=', value: wanted }],
    },
  });
  for (const source of SOURCES) {
    plan.addTask({
      id: source,
      description: `Name at most one paper about battery ageing in ${source}`,
      outputSchema: z.object({ papers: z.array(z.object({ title: z.string() })).max(1) }),
    });
  }
  return await createExecutor({ strategy: parallel({ maxParallel: 2 }), runner }).execute(plan);
}

export async function main(runner?: TaskRunner): Promise<void> {
  title('Papers: seven sources, but three papers are enough');
  const result = await run(runner ?? (await chooseRunner()));
  printTimeline(result);
  if (result.status !== 'completed') throw result.error;
  const asked = Object.keys(result.outputs).length;
  console.log(`\n  ${asked} of ${SOURCES.length} sources were enough\n`);
  printMetrics(result.metrics);
}

await runIfMain(import.meta, main);
