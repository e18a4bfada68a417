import type { TaskView } from '@stratagem/core';
import { MECHANISMS } from '../mechanisms.js';

/**
 * A kind of task: tasks of one kind are expected to do similar work, so their durations are compared with
 * each other. It is the type and the level of a task; tasks with an estimate are of a kind of their own,
 * as their work is relative to the estimate.
 */
export type Kind = string;

export function kindOf({ type, level, estimate }: TaskView): Kind {
  if (!MECHANISMS.kinds) return 'any';
  return `${type}/${level}${estimate?.durationMs === undefined ? '' : '/estimated'}`;
}
