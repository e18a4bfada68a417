import type { Plan } from '../contract/plan.js';
import { Graph } from '../graph/graph.js';
import type { EventLog } from '../state/event-log.js';
import { RunState } from '../state/run-state.js';
import type { ProcessCarrier } from './process-carrier.js';
import type { RunSettings } from './settings.js';

/** Waits for aborted work of this process, and reports what did not end. */
export async function settleAborted(
  carrier: ProcessCarrier,
  { runId, abortGraceMs, onAbandoned }: RunSettings,
  errors: unknown[],
): Promise<void> {
  await carrier.settle(abortGraceMs);
  for (const [{ taskId, attempt }, abortedMs] of carrier.abandoned()) {
    try {
      onAbandoned?.({ runId, taskId, attempt, abortedMs });
    } catch (thrown) {
      errors.push(thrown);
    }
  }
}

/** The run as far as its journal has it: up to a position of its log. */
export function durableState(plan: Plan, log: EventLog, durable: number | undefined): RunState {
  const state = new RunState(new Graph(plan.tasks));
  for (const event of log.events(0, durable)) {
    // Streamed output may have been released, and says nothing about the state.
    if (event !== undefined) state.apply(event);
  }
  return state;
}
