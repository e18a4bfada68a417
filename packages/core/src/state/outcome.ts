import { StratagemError } from '../contract/errors.js';
import type { RunEnding } from '../contract/event.js';
import type { GoalProgress } from '../contract/goal.js';
import { unmet } from './goal-tracker.js';
import type { RunState } from './run-state.js';

/**
 * How a run ends whose tasks are all settled: the goal, when there is one, decides; otherwise
 * whether a task failed that nothing has made up for.
 *
 * @param aside Why the plan was not revised instead.
 */
export function endingOf(
  state: RunState,
  progress: GoalProgress | undefined,
  aside?: string,
): RunEnding {
  const { first, size } = state.failures;
  const because = aside === undefined ? '' : ` (${aside})`;
  if (progress?.achieved) return { type: 'run_completed' };
  if (first !== undefined) {
    const others = size === 1 ? '' : ` (the first of ${size} failures)`;
    const message = `The run failed. ${first.message}${others}${because}`;
    const error = new StratagemError('run_failed', message, { cause: first });
    return { type: 'run_failed', error };
  }
  if (progress === undefined) return { type: 'run_completed' };
  const message = `Every task is done, but the goal is not achieved: ${unmet(progress)}${because}`;
  return { type: 'run_failed', error: new StratagemError('goal_not_achieved', message) };
}
