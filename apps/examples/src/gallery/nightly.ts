import { createExecutor, createPlan, type Journal, type TaskRunner } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';

/**
 * A job for a timer such as cron. Its id is the day: started again after a crash, it continues where it
 * was; started again after its end, it returns the recorded result.
 */
export async function run(runner: TaskRunner, journal: Journal, day: string) {
  const plan = createPlan(`Figures of ${day}`)
    .addTask({ id: 'orders', description: `Summarise the orders of ${day}` })
    .addTask({ id: 'tickets', description: `Summarise the tickets of ${day}` })
    .addTask({
      id: 'report',
      type: 'aggregate',
      description: 'Write the morning report from {{orders}} and {{tickets}}',
      dependencies: ['orders', 'tickets'],
    })
    .addTask({
      id: 'alarm',
      dependencies: ['report'],
      runAfter: 'failure',
      run: () => console.error(`The report of ${day} has failed.`),
    });
  const executor = createExecutor({
    strategy: parallel(),
    runner,
    journal,
    deadlineMs: 3_600_000,
    budget: { tokens: 200_000 },
  });
  const runId = `nightly-${day}`;
  const isKnown = (await journal.list()).some(({ id }) => id === runId);
  return await (isKnown ? executor.resume(runId, { plan }) : executor.execute(plan, { runId }));
}
