import type { Task } from '@stratagem/core';
import { flattenTasks } from '../util/flatten-tasks.js';
import { escapeBraces } from '../util/text.js';

/** The task whose output is the final output of a plan. */
export interface FinalTask {
  readonly taskId: string;
  /** The task, if the plan does not contain it yet. */
  readonly added?: Task | undefined;
}

/**
 * Finds the final task of a plan. A task that does work, and is the only one that no other task
 * depends on, is the final task. Otherwise a new task has to combine the outputs of all such tasks.
 *
 * @param isTaken Whether an id is used outside of `tasks`.
 * @param earlier Completed tasks whose outputs no other completed task has used.
 */
export function finalTaskOf(
  goal: string,
  tasks: readonly Task[],
  isTaken: (id: string) => boolean = () => false,
  earlier: readonly Task[] = [],
): FinalTask {
  const used = new Set<string>();
  const ids = new Set<string>();
  for (const top of tasks) {
    for (const { id, dependencies = [] } of flattenTasks([top])) {
      ids.add(id);
      for (const needed of dependencies) {
        // A dependency of subtasks on their own group does not use the output of the group.
        if (needed !== top.id) used.add(needed);
      }
    }
  }
  const ends = [...earlier, ...tasks].filter(({ id }) => !used.has(id));
  const [first] = ends;
  if (first !== undefined && ends.length === 1 && doesOwnWork(first)) return { taskId: first.id };
  const taskId = freeId((id) => ids.has(id) || isTaken(id));
  const dependencies = ends.map(({ id }) => id);
  const description = aggregatePrompt(goal);
  return { taskId, added: { id: taskId, type: 'aggregate', description, dependencies } };
}

/** By the rule of core, a group runs only if it is an aggregate with a prompt. */
function doesOwnWork({ subtasks = [], type, description, run }: Task): boolean {
  return subtasks.length === 0 || run !== undefined || (type === 'aggregate' && !!description);
}

function aggregatePrompt(goal: string): string {
  return `Combine the results below into the result that was asked for:

<goal>
${escapeBraces(goal)}
</goal>

Keep everything that matters, remove repetitions, and answer with the result only: do not mention tasks or plans.`;
}

function freeId(isTaken: (id: string) => boolean): string {
  let id = 'result';
  for (let count = 2; isTaken(id); count++) id = `result-${count}`;
  return id;
}
