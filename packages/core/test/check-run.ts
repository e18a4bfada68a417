import { isDeepStrictEqual } from 'node:util';
import { capOf } from '../src/contract/cap.js';
import { Graph } from '../src/graph/graph.js';
import { computeMetrics } from '../src/state/metrics.js';
import type { PlanResult } from '../src/state/result.js';
import { RunState } from '../src/state/run-state.js';
import { Ledger } from './ledger.js';
import { must } from './must.js';
import type { RandomRun } from './random-runs.js';

/** Checks the invariants of a run by its log. */
export function checkRun(run: RandomRun, result: PlanResult): void {
  const { plan, options } = run;
  const { timeline, metrics } = result;
  const ledger = new Ledger(run, capOf(options.strategy, options.maxParallel));
  for (const event of timeline) ledger.enter(event);
  ledger.close(result);

  // The log alone gives the same state.
  const state = new RunState(new Graph(plan.tasks));
  for (const event of timeline) state.apply(event);
  must(isDeepStrictEqual(computeMetrics(timeline), metrics), 'the metrics are those of the log');
  must(state.status === result.status, 'the status is that of the log');
  must(state.error === result.error, 'the error is that of the log');
  must(state.graph.size === result.tasks.length, 'the log has all tasks');
  for (const [index, task] of result.tasks.entries()) {
    must(isDeepStrictEqual(state.resultOf(index), task), 'a result is that of the log', task.id);
  }
  must(state.settled === state.graph.size && state.running === 0, 'the log settles all tasks');
  must(
    state.completed === metrics.completedTasks &&
      state.failed === metrics.failedTasks &&
      state.skipped === metrics.skippedTasks &&
      state.attempts === metrics.attempts,
    'the state and the metrics count the same',
  );
  must(
    state.spending.costUsd === metrics.costUsd,
    'the state and the metrics add up the same cost',
  );
  must(
    isDeepStrictEqual(state.spending.usage, metrics.usage),
    'the state and the metrics add up the same tokens',
  );
}
