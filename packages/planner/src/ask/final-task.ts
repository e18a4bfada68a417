import type { Task } from '@stratagem/core';

/** How the result of a plan comes about. */
export interface Ending {
  /** The task whose output is the result. */
  readonly taskId: string;
  /** The task that has to be added for it; undefined when there is one already. */
  readonly synthesis?: Task;
}

/**
 * What brings the result of tasks that were planned: the one that all others lead to, when it is
 * done itself; otherwise a task to add, which puts the outputs of the last ones together.
 *
 * @param isTaken Whether an id is in use besides.
 * @param others Tasks that are there besides, whose outputs nothing has used.
 */
export function endingOf(
  goal: string,
  tasks: readonly Task[],
  isTaken: (id: string) => boolean = () => false,
  others: readonly Task[] = [],
): Ending {
  const used = new Set<string>();
  const ids = new Set<string>();
  const visit = (task: Task, top: string) => {
    ids.add(task.id);
    for (const id of task.dependencies ?? []) {
      // What a task needs of its own subtasks is not used up by it.
      if (id !== top) used.add(id);
    }
    for (const subtask of task.subtasks ?? []) visit(subtask, top);
  };
  for (const task of tasks) visit(task, task.id);
  const ends = [...others, ...tasks].filter(({ id }) => !used.has(id));
  const [only] = ends;
  if (only !== undefined && ends.length === 1 && isDoneItself(only)) return { taskId: only.id };
  const taskId = freeId((id) => ids.has(id) || isTaken(id));
  const dependencies = ends.map(({ id }) => id);
  const description = descriptionOf(goal);
  return { taskId, synthesis: { id: taskId, type: 'aggregate', description, dependencies } };
}

/** A group is only its subtasks, unless it is an aggregate. */
function isDoneItself({ subtasks = [], type, description, run }: Task): boolean {
  return subtasks.length === 0 || run !== undefined || (type === 'aggregate' && !!description);
}

function descriptionOf(goal: string): string {
  return `Put the results below together into the one that was asked for:

<goal>
${goal.replaceAll('{{', '\\{{')}
</goal>

Keep all that matters, leave out what is said twice, and answer with the result alone: no word about tasks or plans.`;
}

function freeId(isTaken: (id: string) => boolean): string {
  let id = 'result';
  for (let count = 2; isTaken(id); count++) id = `result-${count}`;
  return id;
}
