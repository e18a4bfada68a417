import { createExecutor, createPlan, type TaskRunner } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import * as z from 'zod';
import { chooseRunner } from './choose-runner.js';
import { printText, printTimeline, title } from './print.js';
import { runIfMain } from './run-if-main.js';

/** A decision with two branches, and a reply that follows either of them. */
export async function run(message: string, runner: TaskRunner) {
  const plan = createPlan('Answer a message from a customer')
    .addTask({
      id: 'triage',
      type: 'decision',
      prompt: () => `Is this a bug or a question?\n\n${message}`,
      outputSchema: z.object({ kind: z.enum(['bug', 'question']) }),
    })
    .addTask({
      id: 'reproduce',
      dependencies: ['triage'],
      when: { path: 'triage.kind', operator: '==', value: 'bug' },
      description: 'Write down the steps that show the bug',
    })
    .addTask({
      id: 'look-up',
      dependencies: ['triage'],
      when: { path: 'triage.kind', operator: '==', value: 'question' },
      description: 'Find the answer in the manual',
    })
    .addTask({
      id: 'reply',
      dependencies: ['reproduce', 'look-up'],
      // The output of the branch that was not chosen is undefined.
      prompt: (branch) => `Reply to the customer: ${branch.reproduce ?? branch['look-up']}`,
    });
  return await createExecutor({ strategy: parallel(), runner }).execute(plan);
}

export async function main(runner?: TaskRunner): Promise<void> {
  title('Decision: one of two branches, then a reply');
  const message = 'The app closes when I turn the phone.';
  const result = await run(message, runner ?? (await chooseRunner()));
  printTimeline(result);
  if (result.status !== 'completed') throw result.error;
  console.log();
  printText(result.outputs.reply);
}

await runIfMain(import.meta, main);
