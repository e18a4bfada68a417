import { OptionError } from '../contract/errors.js';
import type { ResumeOptions } from './resume-options.js';

/** What `fork` needs to know about the new run, and the run that it begins with. */
export interface ForkOptions extends Pick<ResumeOptions, 'plan' | 'inputs' | 'addedTasks'> {
  /**
   * The id of the new run.
   * @default a new id
   */
  readonly runId?: string | undefined;
  /**
   * The sequence number of the last event that the new run begins with: tasks that completed later run
   * again.
   * @default the last event of the run
   */
  readonly at?: number | undefined;
  /**
   * Tasks that run again, by id, with all that depends on them. For a task that a fan-out or a loop made, all
   * that it made runs again.
   * @default only what has not completed or has changed
   */
  readonly tasks?: readonly string[] | undefined;
}

/** @throws {OptionError} */
export function checkForkOptions({ at, tasks }: ForkOptions): void {
  if (at !== undefined && !(Number.isSafeInteger(at) && at >= 0)) {
    throw new OptionError(`fork(): at must be the sequence number of an event; it is ${at}`);
  }
  if (tasks === undefined) return;
  if (Array.isArray(tasks) && tasks.every((id) => typeof id === 'string')) return;
  throw new OptionError('fork(): tasks must be a list of ids of tasks');
}
