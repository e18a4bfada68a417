import { StratagemError, type TaskError } from '../contract/errors.js';
import type { BudgetExceeded } from '../contract/event.js';
import type { Stop } from '../contract/stop.js';
import { explainExcess } from './budget-excess.js';

/** A failed task stops a run that fails fast, and aborts the attempts in flight. */
export function stopForFailure(failedTaskId: string, abort: TaskError | undefined): Stop {
  return { reason: 'fail_fast', failedTaskId, ...(abort && { abort }) };
}

export function stopForGoal(whenAchieved: 'finish' | 'abort'): Stop {
  const stop: Stop = { reason: 'goal_achieved', ending: { type: 'run_completed' } };
  if (whenAchieved === 'finish') return stop;
  return {
    ...stop,
    abort: new StratagemError('goal_achieved', 'The goal of the plan is achieved'),
  };
}

/** A run that had stopped before ends as it would have, without the tasks that were still to run. */
export function stopForBudget(event: BudgetExceeded, before: Stop | undefined): Stop {
  const { failedTaskId, ending } = before ?? { ending: endingFor(event) };
  return { reason: 'budget_exceeded', failedTaskId, ending };
}

function endingFor(event: BudgetExceeded): NonNullable<Stop['ending']> {
  const error = new StratagemError('budget_exceeded', explainExcess(event, event.taskId));
  return { type: 'run_failed', error };
}
