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
  return Array.from(tasks, (task) => snapshotOfTask(task, maxDepth));
}

/** Options whose values are objects. */
const OPTION_OBJECTS = ['stopSequences', 'toolChoice', 'providerOptions', 'reasoning'] as const;

function snapshotOfTask(task: Task, depth: number): Task {
  if (typeof task !== 'object' || task === null || depth === 0) return task;
  const copy: Record<string, unknown> = isPlain(task)
    ? { ...task }
    : Object.assign(Object.create(Object.getPrototypeOf(task)), task);
  // One by one: most tasks have none of them.
  const { dependencies, metadata, when, forEach, repeat, estimate, retry, waitFor, tools } = task;
  const { args, command, subtasks, plan, with: values } = task;
  if (Array.isArray(dependencies)) copy.dependencies = dependencies.slice();
  if (metadata !== undefined) copy.metadata = frozenCopy(metadata);
  if (when !== undefined) copy.when = frozenCopy(when);
  if (forEach !== undefined) copy.forEach = frozenCopy(forEach);
  if (repeat !== undefined) copy.repeat = frozenCopy(repeat);
  if (estimate !== undefined) copy.estimate = frozenCopy(estimate);
  if (retry !== undefined) copy.retry = frozenCopy(retry);
  if (waitFor !== undefined) copy.waitFor = frozenCopy(waitFor);
  if (Array.isArray(tools)) copy.tools = tools.slice();
  if (args !== undefined) copy.args = frozenCopy(args);
  if (command !== undefined) copy.command = frozenCopy(command);
  if (Array.isArray(task.attachments)) copy.attachments = snapshotOfAttachments(task.attachments);
  for (const name of OPTION_OBJECTS) {
    if (task[name] !== undefined) copy[name] = frozenCopy(task[name]);
  }
  const { headers } = task;
  if (headers !== undefined && optionProblem('headers', headers) === undefined) {
    copy.headers = hideHeaders(headers);
  }
  if (Array.isArray(subtasks)) copy.subtasks = snapshotOfTasks(subtasks, depth - 1);
  if (plan !== undefined) copy.plan = snapshotOf(plan as Plan<unknown>, depth - 1);
  if (values !== undefined) copy.with = frozenCopy(values);
  return copy as unknown as Task;
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
