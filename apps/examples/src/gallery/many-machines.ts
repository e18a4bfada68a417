import { createExecutor, createPlan, type PlanResult, type TaskRunner } from '@stratagem/core';
import { type Coordinator, startCoordinator, submitRun } from '@stratagem/core/coordinator';
import { memoryRunQueue } from '@stratagem/core/journal';
import { parallel } from '@stratagem/parallel';
import * as z from 'zod';

const plan = createPlan('Company profile', { inputs: z.object({ company: z.string() }) })
  .addTask({ id: 'facts', description: 'Gather facts about {{inputs.company}}' })
  .addTask({
    id: 'profile',
    description: 'Write a profile from {{facts}}',
    dependencies: ['facts'],
  });

/**
 * Queues runs, and carries them out with two coordinators. On several machines, each process has one of
 * them, and the queue is `postgresJournal()` of `@stratagem/postgres` or a journal in Redis.
 */
export async function run(runner: TaskRunner, companies: readonly string[]) {
  const queue = memoryRunQueue();
  const results: { coordinator: string; result: PlanResult }[] = [];
  let coordinators: Coordinator[] = [];
  await new Promise<void>((resolve, reject) => {
    coordinators = ['first', 'second'].map((coordinator) =>
      startCoordinator({
        queue,
        executor: createExecutor({ strategy: parallel(), runner }),
        plans: [plan],
        maxRuns: 2,
        async onRun(handle) {
          results.push({ coordinator, result: await handle });
          if (results.length === companies.length) resolve();
        },
        onError: reject,
      }),
    );
    for (const company of companies)
      submitRun(queue, plan, { inputs: { company }, tenant: company }).catch(reject);
  });
  await Promise.all(coordinators.map((each) => each.stop()));
  return results;
}
