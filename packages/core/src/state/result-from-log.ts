import type { StratagemError } from '../contract/errors.js';
import type { RunEvent } from '../contract/event.js';
import type { PlanOutputs } from '../contract/plan.js';
import type { PlanStatus } from '../contract/status.js';
import { Graph } from '../graph/graph.js';
import { listOfEvents } from './check-events.js';
import { type CanceledResult, createResult } from './result.js';
import { RunState } from './run-state.js';

/** The result of a run so far, from its log. */
export interface RunSummary
  extends Omit<CanceledResult<Record<string, unknown>>, 'status' | 'error'> {
  readonly status: PlanStatus;
  /** Why the plan did not complete, if the run has ended without completing. */
  readonly error?: StratagemError | undefined;
}

/**
 * Folds the events of a run into the same data as its result, also while the run is under way. Empty
 * before the first event.
 *
 * @example
 * const events = [];
 * for await (const event of readRun(journal, runId)) events.push(event);
 * const { status, tasks } = resultOf(events);
 */
export function resultOf(events: Iterable<RunEvent>): RunSummary {
  const timeline = listOfEvents('resultOf()', events);
  let state = new RunState(new Graph([]));
  let goal = '';
  let strategy = '';
  let planOutputs: PlanOutputs | undefined;
  for (const event of timeline) {
    if (event.type === 'run_started') {
      // Occurs again when a changed plan was adopted.
      goal = event.plan.goal;
      planOutputs = event.plan.outputs;
      state = new RunState(new Graph(event.plan.tasks));
    } else if (event.type === 'strategy_initialized') strategy = event.strategy;
    state.apply(event);
  }
  return createResult({ goal, strategy, state, planOutputs, timeline }) as unknown as RunSummary;
}
