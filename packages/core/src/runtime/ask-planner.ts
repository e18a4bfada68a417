import { isStratagemError } from '../contract/errors.js';
import { PlanError, type PlanProblem } from '../contract/plan-error.js';
import type { Replan, ReplanContext, Revision } from '../contract/replan.js';
import type { Task } from '../contract/task.js';
import { readRevision, revisionProblems, withUsage } from '../kernel/revision.js';
import type { RunState } from '../state/run-state.js';
import type { ReplanRound } from './replan-round.js';

/** What an answer is checked against. */
export interface RevisionLimits {
  readonly state: RunState;
  /** Throws when tasks cannot be added to the run as it is now. */
  readonly require: (tasks: readonly Task[]) => void;
  /** Whether the answer is still wanted. */
  readonly isCurrent: () => boolean;
}

/**
 * Asks for a revision of the plan, and checks it.
 *
 * @returns Undefined when the round was aborted meanwhile.
 */
export async function askPlanner(
  round: ReplanRound,
  planner: Pick<Replan, 'revise'>,
  limits: RevisionLimits,
): Promise<Revision | undefined> {
  const requireRevision = (revision: Revision) => {
    limits.require(revision.tasks);
    const { tasks: maxTasks } = round.situation.remaining;
    const problems = revisionProblems(revision, limits.state, maxTasks);
    if (problems.length > 0) throw new PlanError(problems);
  };
  const answer = await planner.revise(round.situation, contextOf(round, requireRevision));
  try {
    const revision = readRevision(answer);
    if (!limits.isCurrent()) return undefined;
    requireRevision(revision);
    return revision;
  } catch (thrown) {
    throw withUsage(thrown, answer);
  }
}

function contextOf(
  round: ReplanRound,
  requireRevision: (revision: Revision) => void,
): ReplanContext {
  return {
    get remainingMs() {
      return round.remainingMs;
    },
    signal: round.signal,
    check(answer): readonly PlanProblem[] {
      try {
        requireRevision(readRevision(answer));
        return [];
      } catch (error) {
        if (error instanceof PlanError) return error.problems;
        if (!isStratagemError(error)) throw error;
        return [{ code: 'invalid_value', path: [], message: error.message }];
      }
    },
  };
}
