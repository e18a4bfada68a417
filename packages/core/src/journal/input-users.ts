import type { Json } from '../contract/journal.js';
import { isTemplate, type Task } from '../contract/task.js';
import { subtasksIn, type TaskData } from '../serialize/plan.js';

/** A reference to the inputs of the plan, in a text or as a path; without a name, it is to all of them. */
const REFERENCE = /(?:"|\{\{\s*)inputs(?:\.([^.[\]"{}]+))?/g;

/**
 * Fields of a plain group that decide whether and when its subtasks run. Subtasks see nothing else of their
 * group.
 */
export const GATE_FIELDS: readonly string[] = [
  ...['dependencies', 'when', 'runAfter', 'waitFor', 'subtasks', 'plan'],
  ...['forEach', 'repeat', 'parent'],
];

/** Whether the tasks in it are written out: those of a module and of a template see more of their group. */
export function isPlainGroup({ subtasks, plan, forEach, repeat }: Partial<Task>): boolean {
  return subtasks !== undefined && plan === undefined && !isTemplate({ forEach, repeat });
}

/**
 * The tasks that use one of these inputs of the plan. A function may use any of them, as it gets them all.
 * So may a task with a reference to all inputs. A group does when the inputs may decide whether its subtasks
 * run; see {@link groupsUsing}.
 */
export function tasksUsing(tasks: readonly TaskData[], names?: readonly string[]): string[] {
  const gateOf = (task: TaskData) => {
    const isGate = ([field]: readonly [string, Json]) => GATE_FIELDS.includes(field);
    return Object.fromEntries(Object.entries(task).filter(isGate));
  };
  return usersIn(tasks, names, (task) => (isGroup(task) ? gateOf(task) : task));
}

/** The groups that use one of these inputs for their own result, but not for their subtasks. */
export function groupsUsing(tasks: readonly TaskData[], names?: readonly string[]): string[] {
  return usersIn(tasks, names, (task) => (isGroup(task) ? task : {}));
}

function isGroup(task: TaskData): boolean {
  return isPlainGroup(task as unknown as Task);
}

function usersIn(
  tasks: readonly TaskData[],
  names: readonly string[] = [],
  partOf: (task: TaskData) => Fields,
): string[] {
  if (names.length === 0) return [];
  return tasks.flatMap((task) => {
    const own = usesInput(partOf(task), names) ? [task.id] : [];
    // The tasks of a module have the inputs of the module, which only `with` gives it; and those of a
    // template are made again with it.
    const isWhole = task.plan !== undefined || isTemplate(task as unknown as Task);
    return isWhole ? own : [...own, ...usersIn(subtasksIn(task), names, partOf)];
  });
}

type Fields = { readonly [field: string]: Json };

function usesInput(task: Fields, names: readonly string[]): boolean {
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
