import type { Plan } from '../src/contract/plan.js';
import type { PlanResult } from '../src/state/result.js';
import { type Account, isInFanOut } from './account.js';
import { must } from './must.js';

/** What the log of a run came to. */
interface EndedRun {
  readonly plan: Plan;
  readonly accounts: Iterable<Account>;
  readonly now: number;
  readonly deadline: number;
  readonly attempts: number;
  readonly firstStop: string | undefined;
  readonly isGoalAchieved: boolean;
}

/** Checks that a run ended as its log says. */
export function checkEnding(
  { status, error, metrics }: PlanResult,
  { plan, accounts, now, deadline, attempts, firstStop, isGoalAchieved }: EndedRun,
): void {
  const code = error?.code;
  must((status === 'completed') === (error === undefined), 'what did not complete says why');
  must(metrics.executionTimeMs === now, 'a run takes from its first event to its last');
  must(metrics.attempts === attempts, 'attempts are counted');
  must((status === 'canceled') === (code === 'run_canceled'), 'only cancellation cancels');
  if (code === 'run_canceled') return;
  must(code !== 'deadline_exceeded' || now === deadline, 'its time was up');
  if (code === 'deadline_exceeded') return;
  const bad = [...accounts].find(
    (each) =>
      !isInFanOut(each) &&
      each.isFailure &&
      !each.isMadeUpFor &&
      (each.status !== 'canceled' || each.reason === 'requested'),
  );
  const expected = isGoalAchieved
    ? undefined
    : firstStop === 'budget_exceeded'
      ? 'budget_exceeded'
      : bad !== undefined
        ? 'run_failed'
        : plan.goalState !== undefined
          ? 'goal_not_achieved'
          : undefined;
  must(
    code === expected,
    `a run like this ends with ${expected}, and not with ${code}`,
    bad?.task.id,
  );
}
