import type { Replan, Situation, Task } from '@stratagem/core';
import { finalTaskOf } from '../ask/final-task.js';
import { replanner } from '../ask/replanner.js';
import { type PlannerSettings, REPLANNER_OPTIONS } from '../options/planner-options.js';
import { flattenTasks } from '../util/flatten-tasks.js';
import { pick } from '../util/pick.js';
import type { PlanAndExecuteOptions } from './options.js';

/** The id of the planning task in a streamed run. The parentheses avoid the ids of models. */
export const STREAMED_PLAN_TASK_ID = '(plan)';

/** The id of the final task, which changes when the plan is revised. */
export interface FinalTaskRef {
  taskId: string | undefined;
}

const DEFAULT_MAX_ROUNDS = 3;

/** Lets the planner revise the plan, and keeps a single final task in it. */
export function goalReplan(
  goal: string,
  options: PlanAndExecuteOptions,
  settings: PlannerSettings,
  final: FinalTaskRef,
): Replan | undefined {
  const { replan, runner, planner = runner } = options;
  if (replan === undefined) return undefined;
  const { maxRounds = DEFAULT_MAX_ROUNDS, maxTasks = settings.maxTasks } = replan;
  const { revise } = replanner({
    ...pick(options, REPLANNER_OPTIONS),
    maxTasks,
    runner: planner,
    ...pick(options, ['timeoutMs', 'idleTimeoutMs', 'retry', 'prices']),
  });
  let remainingTasks = maxTasks;
  return {
    maxRounds,
    // Each round may need a final task, which does not count as a task of the model.
    maxTasks: maxTasks + maxRounds,
    async revise(situation, context) {
      // A plan that could not be written cannot be revised.
      if (situation.failed.some(({ task }) => task.id === STREAMED_PLAN_TASK_ID)) return undefined;
      const completed = situation.completed.filter(({ task }) => task.id !== STREAMED_PLAN_TASK_ID);
      if (remainingTasks === 0) return undefined;
      const tasks = Math.min(remainingTasks, situation.remaining.tasks);
      const remaining = { ...situation.remaining, tasks };
      const revision = await revise({ ...situation, completed, remaining }, context);
      if (revision === undefined || !('tasks' in revision) || revision.tasks.length === 0) {
        return revision;
      }
      remainingTasks = Math.max(0, remainingTasks - flattenTasks(revision.tasks).length);
      // The situation lacks tasks that an earlier round replaced, but the run still has their ids.
      const isTaken = (id: string) =>
        context.check([{ id, description: goal }]).some(({ code }) => code === 'duplicate_id');
      return { ...revision, tasks: withFinalTask(goal, revision.tasks, completed, isTaken, final) };
    },
  };
}

/** Adds a new final task if the new tasks and the unused completed ones do not end in one. */
function withFinalTask(
  goal: string,
  tasks: readonly Task[],
  completed: Situation['completed'],
  isTaken: (id: string) => boolean,
  final: FinalTaskRef,
): readonly Task[] {
  const done = completed.map(({ task }) => task);
  const used = new Set(done.flatMap(({ dependencies = [] }) => dependencies));
  const children = new Set(done.flatMap(({ subtasks = [] }) => subtasks.map(({ id }) => id)));
  const unused = done.filter(({ id }) => !used.has(id) && !children.has(id));
  const { taskId, added } = finalTaskOf(goal, tasks, isTaken, unused);
  final.taskId = taskId;
  return added === undefined ? tasks : [...tasks, added];
}
