import { createExecutor, createPlan, type TaskRequest, type TaskRunner } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import * as z from 'zod';

const verdict = z.object({ score: z.number(), advice: z.string() });

/** Writes an article, rewrites it until an editor likes it, and asks a person before it is published. */
export async function run(runner: TaskRunner, ask: (question: string) => Promise<boolean>) {
  const plan = createPlan('An article about tides')
    .addTask({ id: 'facts', description: 'List ten facts about tides' })
    .addTask({
      id: 'improve',
      dependencies: ['facts'],
      repeat: { until: { path: 'judge.score', operator: '>=', value: 0.8 }, maxIterations: 3 },
      subtasks: [
        {
          id: 'write',
          dependencies: ['facts'],
          description:
            'Write the article from {{facts}}. Advice of the editor: {{previous.judge.advice}}',
        },
        {
          id: 'judge',
          dependencies: ['write'],
          description: 'You are a strict editor. Judge {{write}}',
          outputSchema: verdict,
        },
      ],
    })
    .addTask({
      id: 'approve',
      dependencies: ['improve'],
      description: 'Publish this? {{improve.write}}',
      waitFor: { kind: 'approval', timeoutMs: 86_400_000, default: false },
    })
    .addTask({
      id: 'publish',
      dependencies: ['approve', 'improve'],
      description: 'Write a teaser of one sentence for {{improve.write}}',
    });
  const handle = createExecutor({ strategy: parallel(), runner }).execute(plan);
  for await (const event of handle) {
    if (event.type !== 'task_waiting') continue;
    if (await ask(event.question)) await handle.approve(event.taskId);
    else await handle.reject(event.taskId, 'not yet');
  }
  return handle;
}

/** Answers for the simulated model: the second version is good enough. */
export function respond({ taskId }: TaskRequest): unknown {
  if (!taskId.endsWith('.judge')) return `The text of ${taskId}`;
  return taskId === 'improve#1.judge'
    ? { score: 0.5, advice: 'Begin with the moon' }
    : { score: 0.9, advice: 'Keep it' };
}
