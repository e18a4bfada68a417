import { createExecutor, createPlan, type TaskRunner } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import * as z from 'zod';
import { chooseRunner } from './choose-runner.js';
import { printMetrics, printTask, printText, title } from './print.js';
import { runIfMain } from './run-if-main.js';

const library = z.object({ documents: z.array(z.object({ title: z.string() })).max(20) });
const analysis = z.object({ topic: z.string(), relevance: z.int().min(1).max(10) });

/** Lists documents, analyses each of them, and combines the analyses in a report. */
export async function run(runner: TaskRunner) {
  const plan = createPlan('What do our documents say about heat pumps?')
    .addTask({
      id: 'gather',
      description: 'List documents about heat pumps in our library',
      outputSchema: library,
    })
    .addTask({
      id: 'analyse',
      dependencies: ['gather'],
      // One task per document; at least 66 % of them must succeed.
      forEach: { items: ({ gather }) => gather.documents, minSuccess: '66%' },
      prompt: ({ item }) => `What is "${item.title}" about, and how relevant is it to heat pumps?`,
      outputSchema: analysis,
    })
    .addTask({
      id: 'report',
      type: 'aggregate',
      dependencies: ['analyse'],
      prompt({ analyse }) {
        const topics = analyse.flatMap((each) =>
          each.status === 'completed' ? `${each.output.topic} (${each.output.relevance}/10)` : [],
        );
        const failed = analyse.length - topics.length;
        return `Summarise: ${topics.join('; ')}. ${failed} documents could not be read.`;
      },
    });
  return await createExecutor({ strategy: parallel({ maxParallel: 4 }), runner }).execute(plan);
}

export async function main(runner?: TaskRunner): Promise<void> {
  title('Documents: gather, analyse each, report');
  const result = await run(runner ?? (await chooseRunner()));
  for (const task of result.tasks) {
    if (task.parentId === 'analyse') printTask({ ...task, output: JSON.stringify(task.output) });
  }
  if (result.status !== 'completed') throw result.error;
  console.log();
  printText(result.outputs.report);
  console.log();
  printMetrics(result.metrics);
}

await runIfMain(import.meta, main);
