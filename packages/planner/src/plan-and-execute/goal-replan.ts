import type { Replan, Situation, Task } from '@stratagem/core';
import { endingOf } from '../ask/final-task.js';
import { replanner } from '../ask/replanner.js';
import type { PlannerSettings } from '../options/planner-options.js';
import { only } from '../util/pick.js';
import { REPLANNER_NAMES } from './options.js';
import type { PlanAndExecuteOptions } from './plan-and-execute.js';

/** The task that writes a plan in the run that carries it out. No model writes such an id. */
export const STREAMED_PLAN_TASK = '(plan)';

/** Where the result of a run is to be found; it changes when the plan is revised. */
export interface Final {
  taskId: string | undefined;
}

const DEFAULT_MAX_ROUNDS = 3;

/** How a model revises the plan of a goal, so that it still ends in one output. */
export function goalReplan(
  goal: string,
  options: PlanAndExecuteOptions,
  { maxTasks: usual }: PlannerSettings,
  final: Final,
): Replan | undefined {
  const { replan, runner, planner = runner } = options;
  if (replan === undefined) return undefined;
  const { maxRounds = DEFAULT_MAX_ROUNDS, maxTasks = usual } = replan;
  const { revise } = replanner({
    ...only(options, REPLANNER_NAMES),
    maxTasks,
    runner: planner,
    ...only(options, ['timeoutMs', 'retry', 'prices']),
  });
  /** Tasks that the model may still add; those that put outputs together are ours. */
  let left = maxTasks;
  return {
    maxRounds,
    maxTasks: maxTasks + maxRounds,
    async revise(situation, context) {
      // Without a whole plan there is nothing to revise.
      if (situation.failed.some(({ task }) => task.id === STREAMED_PLAN_TASK)) return undefined;
      const completed = situation.completed.filter(({ task }) => task.id !== STREAMED_PLAN_TASK);
      if (left === 0) return undefined;
      const tasks = Math.min(left, situation.remaining.tasks);
      const remaining = { ...situation.remaining, tasks };
      const known = { ...situation, completed, remaining };
      const revision = await revise(known, context);
      if (revision === undefined || !('tasks' in revision) || revision.tasks.length === 0) {
        return revision;
      }
      left = Math.max(0, left - countOf(revision.tasks));
      // Failures that an earlier round made up for, and what hung on them, are there all the same.
      const isTaken = (id: string) =>
        context.check([{ id, description: goal }]).some(({ code }) => code === 'duplicate_id');
      return { ...revision, tasks: withEnding(goal, revision.tasks, completed, isTaken, final) };
    },
  };
}

/** Subtasks included. */
function countOf(tasks: readonly Task[]): number {
  return tasks.reduce((sum, { subtasks = [] }) => sum + 1 + countOf(subtasks), 0);
}

/** More tasks may need another one that puts all together, what is done already included. */
function withEnding(
  goal: string,
  tasks: readonly Task[],
  completed: Situation['completed'],
  isTaken: (id: string) => boolean,
  final: Final,
): readonly Task[] {
  const done = completed.map(({ task }) => task);
  const used = new Set(done.flatMap(({ dependencies = [] }) => dependencies));
  const children = new Set(done.flatMap(({ subtasks = [] }) => subtasks.map(({ id }) => id)));
  const unused = done.filter(({ id }) => !used.has(id) && !children.has(id));
  const { taskId, synthesis } = endingOf(goal, tasks, isTaken, unused);
  final.taskId = taskId;
  return synthesis === undefined ? tasks : [...tasks, synthesis];
}
