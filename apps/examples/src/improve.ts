import { createExecutor, createPlan, type TaskRequest, type TaskRunner } from '@stratagem/core';
import { sequential } from '@stratagem/sequential';
import * as z from 'zod';
import { chooseRunner } from './choose-runner.js';
import { printText, title } from './print.js';
import { runIfMain } from './run-if-main.js';

const verdict = z.object({ score: z.number().min(0).max(1), advice: z.string() });

/** Writes a text, lets a judge score it, and rewrites it until the score is 0.9. */
export async function run(product: string, runner: TaskRunner) {
  const plan = createPlan('Write a product text that a strict editor likes')
    .addTask({
      id: 'improve',
      // The iterations are groups: improve#1 with improve#1.write and improve#1.judge, improve#2, …
      repeat: { until: { path: 'judge.score', operator: '>=', value: 0.9 }, maxIterations: 4 },
      subtasks: [
        {
          id: 'write',
          description: `Write a product text of three sentences about ${product}.
            The text so far, if there is one: {{previous.write}}
            What the editor wants changed: {{previous.judge.advice}}`,
        },
        {
          id: 'judge',
          dependencies: ['write'],
          description: 'You are a strict editor. Judge this product text: {{write}}',
          outputSchema: verdict,
        },
      ],
    })
    .addTask({
      id: 'review',
      dependencies: ['improve'],
      when: { path: 'improve#ending', operator: '==', value: 'exhausted' },
      description: 'What should a person look at in this text? {{improve.write}}',
    });
  return await createExecutor({ strategy: sequential(), runner }).execute(plan);
}

/** An editor who likes each version better than the one before; for the simulated model. */
export function respond({ taskId }: TaskRequest): unknown {
  const [, iteration] = /^improve#(\d+)\./.exec(taskId) ?? [];
  if (!taskId.endsWith('.judge')) return `Version ${iteration} of the text`;
  const score = (45 + 15 * Number(iteration)) / 100;
  return { score, advice: score >= 0.9 ? 'Keep it' : 'Be more specific' };
}

export async function main(runner?: TaskRunner): Promise<void> {
  title('Improve: write, judge, rewrite until 0.9');
  const result = await run('a quiet kettle', runner ?? (await chooseRunner({ respond })));
  for (const { id, output } of result.tasks) {
    if (id.endsWith('.judge')) console.log(`${id}: ${JSON.stringify(output)}`);
  }
  const loop = result.tasks.find(({ id }) => id === 'improve')?.loop;
  if (result.status !== 'completed' || loop === undefined) throw result.error;
  console.log(`\n${loop.ending} after ${loop.iterations} iterations\n`);
  printText(result.outputs.improve.write as string);
}

await runIfMain(import.meta, main);
