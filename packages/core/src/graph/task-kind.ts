import { streamOf } from '../contract/for-each.js';
import { hasSubtasks, isTemplate, type Task } from '../contract/task.js';

/**
 * What is special about a task, as bits of a number. Most tasks have none of these, and the kernel
 * takes its shortest way for them.
 */
export const TaskKind = {
  /** Runs under a condition. */
  when: 1,
  /** A fan-out: has a child for each element of a list. */
  forEach: 2,
  /** Has subtasks. */
  subtasks: 4,
  /** Waits for a human. */
  waitFor: 8,
  /** Belongs to an element of a fan-out, which decides whether a failure counts. */
  item: 16,
  /** Runs once its dependencies have settled. */
  afterSettled: 32,
  /** Runs once its dependencies have settled, if one of them failed. */
  afterFailure: 64,
  /** Either of the last two. */
  afterAny: 96,
  /** A group with the tasks of another plan; not a template, whose children may be such groups. */
  module: 128,
  /** A loop: has a child for each iteration. */
  repeat: 256,
  /** Makes its children while it runs: a fan-out or a loop. */
  template: 258,
  /** Competes for a resource of its own: its work is done without a model, or it names one. */
  ownResource: 512,
  /** A fan-out whose items come from a stream. */
  stream: 1024,
} as const;

/** What makes a task more than one attempt that starts when its dependencies have completed. */
export const NOT_PLAIN =
  TaskKind.when | TaskKind.template | TaskKind.subtasks | TaskKind.waitFor | TaskKind.afterAny;

/** A sum of `TaskKind`s; 0 for a plain task. */
export function taskKindOf(task: Task): number {
  return (
    (task.when === undefined ? 0 : TaskKind.when) |
    (task.forEach === undefined ? 0 : TaskKind.forEach) |
    (streamOf(task) === undefined ? 0 : TaskKind.stream) |
    (hasSubtasks(task) ? TaskKind.subtasks : 0) |
    (task.waitFor === undefined ? 0 : TaskKind.waitFor) |
    // An element of a fan-out is the loop, not the fan-out itself.
    (task.repeat === undefined || task.forEach !== undefined ? 0 : TaskKind.repeat) |
    (task.runAfter === 'settled' ? TaskKind.afterSettled : 0) |
    (task.runAfter === 'failure' ? TaskKind.afterFailure : 0) |
    (task.plan !== undefined && !isTemplate(task) ? TaskKind.module : 0) |
    (hasOwnResource(task) ? TaskKind.ownResource : 0)
  );
}

function hasOwnResource({ run, tool, command, model }: Task): boolean {
  return run !== undefined || tool !== undefined || command !== undefined || model !== undefined;
}
