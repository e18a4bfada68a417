import { StratagemError } from '../contract/errors.js';
import type { RunEnding } from '../contract/event.js';
import type { GoalProgress } from '../contract/goal.js';
import { unmet } from './goal-tracker.js';
import type { RunState } from './run-state.js';

/**
 * How a run ends once all its tasks have settled. An achieved goal completes it. Otherwise it fails if
 * a failure has not been replaced, or if its goal is not achieved.
 *
 * @param refusal Why the plan is not revised instead.
 */
export function endingOf(
  state: RunState,
  progress: GoalProgress | undefined,
  refusal?: string,
): RunEnding {
  const { first, size } = state.failures;
  const because = refusal === undefined ? '' : ` (${refusal})`;
  if (progress?.achieved) return { type: 'run_completed' };
  if (first !== undefined) {
    const others = size === 1 ? '' : ` (the first of ${size} failures)`;
    const message = `The run failed. ${first.message}${others}${because}`;
    const error = new StratagemError('run_failed', message, { cause: first });
    // A cause is not recorded; the id is.
    return { type: 'run_failed', error: Object.assign(error, { taskId: first.taskId }) };
  }
  if (progress === undefined) return { type: 'run_completed' };
  const { description } = state.goal ?? {};
  const goal = description === undefined ? 'the goal' : `the goal "${description}"`;
  const message = `All tasks have ended, but ${goal} is not achieved: ${unmet(progress)}${because}`;
  return { type: 'run_failed', error: new StratagemError('goal_not_achieved', message) };
}
