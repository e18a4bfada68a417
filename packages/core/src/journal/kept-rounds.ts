import type { EventData } from '../contract/journal.js';
import type { TaskData } from '../serialize/plan.js';
import { OpenFailures } from '../state/open-failures.js';
import type { RunState } from '../state/run-state.js';
import type { Invalidation } from './invalidation.js';

/** A round of re-planning that added tasks. */
export interface Round {
  readonly round: number;
  /** The tasks before this one, by index, were there when the round began: all of them had settled. */
  readonly first: number;
  /** The tasks that it added, by index. */
  readonly added: readonly number[];
}

/** The rounds that added tasks, in order. */
export function roundsIn(log: readonly EventData[], { graph }: RunState): Round[] {
  const rounds: Round[] = [];
  let round = 0;
  for (const event of log) {
    if (event.type === 'replan_started') round = event.round as number;
    if (event.type !== 'tasks_added' || event.source !== 'replan') continue;
    const added = (event.tasks as unknown as readonly TaskData[]).map(
      ({ id }) => graph.indexOf(id) as number,
    );
    rounds.push({ round, first: Math.min(...added), added });
  }
  return rounds;
}

/**
 * How many of the rounds a new log repeats. The planner answered for all tasks that were there: a round is
 * repeated while the results of all of them are valid.
 */
export function countKept(
  rounds: readonly Round[],
  { graph }: RunState,
  { valid }: Invalidation,
): number {
  const last = rounds.at(-1)?.first ?? 0;
  let firstInvalid = 0;
  while (firstInvalid < last && valid.has(graph.taskOf(firstInvalid).id)) firstInvalid++;
  return rounds.findLastIndex(({ first }) => first <= firstInvalid) + 1;
}

/**
 * Whether a task that did not complete has no need to run again: the last of these rounds knew it, and a round
 * has replaced the failure.
 */
export function replacedBy(rounds: readonly Round[], state: RunState): (index: number) => boolean {
  const first = rounds.at(-1)?.first ?? 0;
  const open = new OpenFailures(state);
  return (index) => index < first && open.behind(index) === undefined;
}
