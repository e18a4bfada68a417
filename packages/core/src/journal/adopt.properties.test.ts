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

test('a fork runs the named tasks and their dependents again, and nothing else that is complete', () => {
  const total = { kept: 0, again: 0 };
  fc.assert(
    fc.property(recipes, share, share, (recipe, until, which) => {
      const whole = randomRun(recipe);
      const { timeline } = simulate(whole.plan, whole.options);
      const before = timeline.slice(0, 1 + Math.floor(until * timeline.length));
      const { plan, options } = randomRun(recipe);
      const log = recorded(plan, before);
      const { timestamp: now } = before.at(-1) as RunEvent;
      const named = plan.tasks[Math.floor(which * plan.tasks.length)]?.id as string;
      const source = JSON.stringify(log);
      const fork = { runId: 'one', sequence: 1, tasks: [named] };
      const planData = planToData(plan);
      const forked = adoptedLog({ runId: 'one', log, planData, limits: {}, now, fork });
      must(JSON.stringify(log) === source, 'the source stays as it is');
      must(
        forked.every(({ sequence }, position) => sequence === position),
        'the log of a new run',
      );
      const kept = completedIn(forked);
      const again = dependentsOf(plan.tasks, named, false);
      for (const id of again) must(!kept.has(id), 'it runs again', id);
      const mayRunAgain = dependentsOf(plan.tasks, named, true);
      if (!recipe.features.includes('runAfter')) {
        for (const id of completedIn(log)) {
          const isOfAnother = plan.tasks.some((task) => task.id === id && !mayRunAgain.has(id));
          must(!isOfAnother || kept.has(id), 'it is kept', id);
        }
      }
      const result = resumeSimulation(plan, options, JSON.parse(JSON.stringify(forked)));
      const isOver = result.tasks.every(({ status }) => !/pending|running/.test(status));
      must(isOver, 'every task ends');
      total.kept += kept.size;
      total.again += again.size;
    }),
    { numRuns: 1_000, seed: 1 },
  );
  expect(total.kept).toBeGreaterThan(500);
  expect(total.again).toBeGreaterThan(500);
});

/**
 * A task of the plan with the tasks that depend on it, through other tasks as well.
 *
 * @param throughGroups Whether a group depends on what a task inside it depends on, and each task inside
 * it on the group: more than runs again.
 */
function dependentsOf(
  tasks: readonly Task[],
  named: string,
  throughGroups: boolean,
): ReadonlySet<string> {
  const partsOf = (task: Task): readonly Task[] =>
    throughGroups ? [task, ...(task.subtasks ?? []).flatMap(partsOf)] : [task];
  const found = new Set([named]);
  for (let size = 0; size < found.size; ) {
    size = found.size;
    for (const task of tasks) {
      const parts = partsOf(task);
      const isFound = ({ id, dependencies = [] }: Task) =>
        found.has(id) || dependencies.some((dependency) => found.has(dependency));
      if (parts.some(isFound)) for (const { id } of parts) found.add(id);
    }
  }
  return found;
}

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
