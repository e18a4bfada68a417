import { OptionError, type StratagemError, type TaskRunner } from '@stratagem/core';
import type { DecompositionError } from '../ask/decomposition-error.js';
import { wrapRunner } from '../util/wrap-runner.js';

/** What happens when no plan can be made: `'single-task'` lets one task answer the goal. */
export type PlanFallback = 'single-task';

/** The run was stopped, rather than the planning failed. */
const STOPPED: readonly string[] = ['run_canceled', 'deadline_exceeded', 'budget_exceeded'];

/** @throws {OptionError} when the option has an unknown value. */
export function checkFallback(owner: string, fallback: unknown): void {
  if (fallback === undefined || fallback === 'single-task') return;
  throw new OptionError(`${owner}: fallback must be 'single-task'; leave it out for none`);
}

/** Whether one task may answer the goal in place of the plan that could not be made. */
export function mayFallBack(
  fallback: PlanFallback | undefined,
  { code }: DecompositionError,
): boolean {
  return fallback !== undefined && !STOPPED.includes(code);
}

/** Lets a runner say in the log that it answers the goal because there is no plan. */
export function announceFallback(runner: TaskRunner, reason: StratagemError): TaskRunner {
  let isAnnounced = false;
  return wrapRunner(runner, async (request, context) => {
    if (!isAnnounced) {
      isAnnounced = true;
      const message = `One task answers the goal, because planning failed. ${reason.message}`;
      await context.emit({ kind: 'notice', source: 'planner', message, code: reason.code });
    }
    return runner.run(request, context);
  });
}
