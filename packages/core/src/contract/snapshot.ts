import { snapshotOfAttachments } from './attached-bytes.js';
import { optionProblem } from './call-options.js';
import { hideHeaders } from './hidden-headers.js';
import type { Plan } from './plan.js';
import { inputsAsData } from './plan-inputs.js';
import type { Task } from './task.js';
import { copyOf, isPlain, keep } from './value.js';

/**
 * A copy of a plan: its caller may change its own while the run is under way. Functions, schemas and
 * tools stay the same. An invalid plan is returned as it is, for the validation.
 *
 * @param maxDepth How deep subtasks may nest; deeper ones are not copied.
 */
export function snapshotOf<P extends Plan<unknown>>(plan: P, maxDepth: number): P {
  const { tasks, inputs, ...settings } = Object(plan) as P;
  if (!Array.isArray(tasks)) return plan;
  return {
    ...frozenFields(settings),
    ...(inputs !== undefined && { inputs: inputsAsData(inputs) }),
    tasks: snapshotOfTasks(tasks, maxDepth),
  } as unknown as P;
}

export function snapshotOfTasks(tasks: readonly Task[], maxDepth: number): Task[] {
  const copies: Task[] = new Array(tasks.length);
  for (let position = 0; position < tasks.length; position++) {
    copies[position] = snapshotOfTask(tasks[position] as Task, maxDepth);
  }
  return copies;
}

/** The fields that `copyField` copies. */
const COPIED_FIELDS: readonly string[] = [
  'dependencies',
  'tools',
  'metadata',
  'when',
  'forEach',
  'repeat',
  'estimate',
  'retry',
  'waitFor',
  'stopSequences',
  'toolChoice',
  'serverTools',
  'providerOptions',
  'reasoning',
  'headers',
  'subtasks',
  'args',
  'command',
  'plan',
  'with',
  'attachments',
];

/** Many tasks have an empty list; they share one. */
const NONE: readonly string[] = Object.freeze([]);

function snapshotOfTask(task: Task, depth: number): Task {
  if (typeof task !== 'object' || task === null || depth === 0) return task;
  if (Object.getPrototypeOf(task) === Object.prototype || isPlain(task)) {
    const copy: Record<string, unknown> = { ...task };
    // The fields that there are, and not all that there may be: most tasks have three.
    for (const name in copy) copyField(copy, name, copy[name], depth);
    return copy as unknown as Task;
  }
  const copy = Object.assign(Object.create(Object.getPrototypeOf(task)), task);
  // The getters of a class are no fields that can be listed.
  for (const name of COPIED_FIELDS) copyField(copy, name, copy[name], depth);
  return copy;
}

/** Copies the value of a field, unless nobody can change it. */
function copyField(
  copy: Record<string, unknown>,
  name: string,
  value: unknown,
  depth: number,
): void {
  if (typeof value !== 'object' || value === null) return;
  switch (name) {
    case 'dependencies':
    case 'tools':
      if (Array.isArray(value)) copy[name] = value.length === 0 ? NONE : value.slice();
      return;
    case 'subtasks':
      if (Array.isArray(value)) copy[name] = snapshotOfTasks(value, depth - 1);
      return;
    case 'attachments':
      if (Array.isArray(value)) copy[name] = snapshotOfAttachments(value);
      return;
    case 'plan':
      copy[name] = snapshotOf(value as Plan<unknown>, depth - 1);
      return;
    case 'headers':
      if (optionProblem('headers', value) === undefined) copy[name] = hideHeaders(value as never);
      return;
    default:
      if (COPIED_FIELDS.includes(name)) copy[name] = frozenCopy(value);
  }
}

/** Freezes tasks and their lists, for readers that could change them. */
export function freezeTasks(tasks: readonly Task[]): void {
  if (Object.isFrozen(tasks)) return;
  Object.freeze(tasks);
  for (const task of tasks) {
    Object.freeze(task);
    if (task.dependencies !== undefined) Object.freeze(task.dependencies);
    if (task.tools !== undefined) Object.freeze(task.tools);
    if (task.subtasks !== undefined) freezeTasks(task.subtasks);
    if (task.plan !== undefined) freezeTasks(task.plan.tasks);
  }
}

function frozenFields<T extends object>(fields: T): T {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, frozenCopy(value)]),
  ) as T;
}

/** A copy of data that nobody can change. */
export function frozenCopy<T>(value: T): T {
  return typeof value === 'object' && value !== null ? (keep(copyOf(value)) as T) : value;
}
