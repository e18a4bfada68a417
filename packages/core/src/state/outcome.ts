import { StratagemError } from '../contract/errors.js';
import type { PlanEnding } from '../contract/event.js';
import { type GoalProgress, unmet } from '../contract/goal.js';
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
): PlanEnding {
  const { first, size } = state.failures;
  const because = aside === undefined ? '' : ` (${aside})`;
  if (progress?.achieved) return { type: 'plan_completed' };
  if (first !== undefined) {
    const others = size === 1 ? '' : ` (the first of ${size} failures)`;
    const message = `The plan failed. ${first.message}${others}${because}`;
    const error = new StratagemError('plan_failed', message, { cause: first });
    return { type: 'plan_failed', error };
  }
  if (progress === undefined) return { type: 'plan_completed' };
  const message = `Every task is done, but the goal is not achieved: ${unmet(progress)}${because}`;
  return { type: 'plan_failed', error: new StratagemError('goal_not_achieved', message) };
}
