import { StratagemError } from './errors.js';
import { type GoalProgress, unmet } from './goal.js';
import type { Ending } from './recorder.js';
import type { RunState } from './run-state.js';

/**
 * How a run ends whose tasks are all settled: the goal, when there is one, decides; otherwise
 * whether a task failed.
 */
export function endingOf(state: RunState, progress: GoalProgress | undefined): Ending {
  const { failures, firstFailure } = state;
  if (progress?.achieved) return { type: 'plan_completed' };
  if (firstFailure !== undefined) {
    const others = failures === 1 ? '' : ` (the first of ${failures} failures)`;
    const message = `The plan failed. ${firstFailure.message}${others}`;
    const error = new StratagemError('plan_failed', message, { cause: firstFailure });
    return { type: 'plan_failed', error };
  }
  if (progress === undefined) return { type: 'plan_completed' };
  const message = `Every task is done, but the goal is not achieved: ${unmet(progress)}`;
  return { type: 'plan_failed', error: new StratagemError('goal_not_achieved', message) };
}
