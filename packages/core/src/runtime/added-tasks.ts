import { StratagemError } from '../contract/errors.js';
import { PlanError, type PlanProblem } from '../contract/plan-error.js';
import { firstTaskNeedingRunner, type Task } from '../contract/task.js';
import { tasksToData } from '../serialize/plan.js';

/** Calls `visit` with each task and its subtasks; those of a fan-out are a pattern and no tasks yet. */
export function eachTask(tasks: readonly Task[], visit: (task: Task) => void): void {
  for (const task of tasks) {
    visit(task);
    if (task.forEach === undefined) eachTask(task.subtasks ?? [], visit);
  }
}

/** The tasks as they are now: the caller may go on using its list. */
export function structuralCopy(tasks: readonly Task[]): Task[] {
  return tasks.map((task) =>
    task.subtasks === undefined ? task : { ...task, subtasks: structuralCopy(task.subtasks) },
  );
}

/** @throws {PlanError} naming what cannot be kept in a journal. */
export function requireStorable(tasks: readonly Task[]): void {
  const problems: PlanProblem[] = [];
  tasksToData(tasks, problems);
  if (problems.length > 0) throw new PlanError(problems);
}

/** @throws {StratagemError} `missing_runner` when one of them goes to a runner. */
export function requireNoRunner(tasks: readonly Task[]): void {
  const needy = firstTaskNeedingRunner(tasks);
  if (needy === undefined) return;
  const message = `Task "${needy.id}" has no run function, and the executor has no runner`;
  throw new StratagemError('missing_runner', message);
}
