import fc from 'fast-check';
import { expect, test } from 'vitest';
import { must } from '../../test/must.js';
import { randomRun, recipes } from '../../test/random-runs.js';
import { recorded } from '../../test/recorded.js';
import type { RunEvent } from '../contract/event.js';
import type { EventData } from '../contract/journal.js';
import type { Task } from '../contract/task.js';
import { planToData } from '../serialize/plan.js';
import { resumeSimulation, simulate } from '../simulate/simulate.js';
import { adoptedLog } from './adopt.js';

const share = fc.noBias(fc.nat(999)).map((part) => part / 1_000);

test('a run resumes under a changed plan from any event: every task ends, and no kept task runs again', () => {
  const total = { kept: 0, again: 0 };
  fc.assert(
    fc.property(recipes, share, fc.option(share), (recipe, until, change) => {
      const whole = randomRun(recipe);
      const { timeline } = simulate(whole.plan, whole.options);
      const before = timeline.slice(0, 1 + Math.floor(until * timeline.length));
      const { plan, options } = randomRun(recipe);
      const log = recorded(plan, before);
      const changed = change === null ? plan : { ...plan, tasks: changeOne(plan.tasks, change) };
      const { timestamp: now } = before.at(-1) as RunEvent;
      const planData = planToData(changed);
      const adopted = adoptedLog({ runId: 'one', log, planData, limits: {}, now });
      const kept = completedIn(adopted);
      const done = completedIn(log);
      // What ran after a failure runs again with what failed.
      const isKept = change === null && !recipe.features.includes('runAfter');
      if (isKept) must(kept.size === done.size, 'what is complete stays');
      const result = resumeSimulation(changed, options, JSON.parse(JSON.stringify(adopted)));
      const completed = new Set<string>();
      for (const event of result.timeline) {
        if (event.type === 'task_started')
          must(!kept.has(event.taskId), 'kept, and not done again');
        if (event.type !== 'task_completed') continue;
        must(!completed.has(event.taskId), 'a task completes once', event.taskId);
        completed.add(event.taskId);
      }
      const isOver = result.tasks.every(({ status }) => !/pending|running/.test(status));
      must(isOver, 'every task ends');
      must(result.metrics.completedTasks === completed.size, 'what is complete is counted');
      total.kept += kept.size;
      total.again += done.size - kept.size;
    }),
    { numRuns: 2_000, seed: 1 },
  );
  expect(total.kept).toBeGreaterThan(1_000);
  expect(total.again).toBeGreaterThan(500);
});

/** Another description for one of the tasks, or for one that belongs to it. */
function changeOne(tasks: readonly Task[], which: number): Task[] {
  return tasks.map((task, position) => {
    if (position !== Math.floor(which * tasks.length)) return task;
    const { forEach, subtasks } = task;
    const isGroup = subtasks !== undefined && forEach === undefined && position % 2 === 0;
    if (isGroup) return { ...task, subtasks: changeOne(subtasks, which) };
    return { ...task, description: `${task.description}, otherwise` };
  });
}

function completedIn(log: readonly EventData[]): ReadonlySet<string> {
  const completed = log.filter(({ type }) => type === 'task_completed');
  return new Set(completed.map(({ taskId }) => taskId as string));
}
