import type { TaskType } from '@stratagem/core';
import type { AnswerPath } from './answer-report.js';
import type { NamedValue } from './task-fields.js';

/** One task of an answer, with recognized fields but without resolved references. */
export interface ParsedTask {
  readonly path: AnswerPath;
  /** Undefined for a top-level task. */
  readonly parent: ParsedTask | undefined;
  /** The list that contains the task, including the task itself. */
  readonly siblings: readonly ParsedTask[];
  /** The id as written; undefined when the task has none. */
  readonly writtenId: string | undefined;
  /** Other ids of the task, such as its number beside an id of words. */
  readonly aliases: readonly string[];
  readonly title: string | undefined;
  readonly description: string | undefined;
  readonly type: TaskType;
  /** The dependencies as written, in any form. */
  readonly needs: readonly unknown[];
  /** Whether the task has a field for dependencies, even an empty one. */
  readonly statesDependencies: boolean;
  /** Texts that add to the description. */
  readonly moreTexts: readonly NamedValue[];
  /** Fields that may name other tasks, or add to the description. */
  readonly others: readonly NamedValue[];
  /** Fields that place the task in an order or a group. */
  readonly orders: readonly NamedValue[];
  readonly tools: readonly string[];
  readonly model: string | undefined;
  readonly subtasks: readonly ParsedTask[];
}

/** The longest id of a task, in characters. */
export const MAX_ID_LENGTH = 100;

/** Whether a task is a subtask of another, at any depth. */
export function isWithin(task: ParsedTask, outer: ParsedTask): boolean {
  for (let at = task.parent; at !== undefined; at = at.parent) if (at === outer) return true;
  return false;
}

/** Whether the task itself runs. By the rule of core, a group runs only if it is an aggregate. */
export function doesOwnWork({ subtasks, description }: ParsedTask, type: TaskType): boolean {
  return subtasks.length === 0 || (type === 'aggregate' && description !== undefined);
}
