import type { StratagemError } from '../contract/errors.js';
import type { RunEvent } from '../contract/event.js';
import type { PlanStatus } from '../contract/status.js';
import { Graph } from '../graph/graph.js';
import { type CanceledResult, createResult } from './result.js';
import { RunState } from './run-state.js';

/** What a log says about a run, be it over or not. */
export interface RunSummary
  extends Omit<CanceledResult<Record<string, unknown>>, 'status' | 'error'> {
  readonly status: PlanStatus;
  /** Why the plan did not complete, if it is over and did not. */
  readonly error?: StratagemError;
}

/**
 * What the events of a run come to: the same account that its result is, also in the middle of the
 * run. Empty before the first event.
 *
 * @example
 * const events = [];
 * for await (const event of readRun(journal, runId)) events.push(event);
 * const { status, tasks } = resultOf(events);
 */
export function resultOf(events: Iterable<RunEvent>): RunSummary {
  const timeline = [...events];
  let state = new RunState(new Graph([]));
  let goal = '';
  let strategy = '';
  for (const event of timeline) {
    if (event.type === 'run_started') {
      // Once more when a changed plan was adopted.
      goal = event.plan.goal;
      state = new RunState(new Graph(event.plan.tasks));
    } else if (event.type === 'strategy_initialized') strategy = event.strategy;
    state.apply(event); // The graph grows with it.
  }
  return createResult({ goal, strategy, state, timeline }) as unknown as RunSummary;
}
