import type { Json } from '../contract/journal.js';
import { isTemplate, type Task } from '../contract/task.js';
import { subtasksIn, type TaskData } from '../serialize/plan.js';

/** A reference to the inputs of the plan, in a text or as a path; without a name, it is to all of them. */
const REFERENCE = /(?:"|\{\{\s*)inputs(?:\.([^.[\]"{}]+))?/g;

/**
 * The tasks that use one of these inputs of the plan. A function may use any of them, as it gets them all.
 * So may a task with a reference to all inputs.
 */
export function tasksUsing(tasks: readonly TaskData[], names: readonly string[] = []): string[] {
  if (names.length === 0) return [];
  return tasks.flatMap((task) => {
    if (usesInput(task, names)) return [task.id];
    // The tasks of a module have the inputs of the module, which only `with` gives it.
    return task.plan === undefined ? tasksUsing(subtasksIn(task), names) : [];
  });
}

function usesInput(task: TaskData, names: readonly string[]): boolean {
  const { plan: _, subtasks, ...own } = task;
  const isPattern = isTemplate(task as unknown as Task);
  const text = JSON.stringify(isPattern ? { ...own, subtasks: subtasks ?? null } : own);
  if (text.includes(FUNCTION)) return true;
  return Array.from(text.matchAll(REFERENCE)).some(
    ([, name]) => name === undefined || names.includes(name.trim()),
  );
}

/** How a recorded plan marks a function. */
const FUNCTION = JSON.stringify({ $: 'function' } satisfies Json);
