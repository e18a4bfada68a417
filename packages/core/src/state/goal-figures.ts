import type { GoalMetric } from '../contract/goal.js';
import type { Graph } from '../graph/graph.js';
import type { Spending } from './spending.js';

/** What a check of the goal reads of a run. */
export interface GoalFacts {
  readonly graph: Graph;
  readonly spending: Spending;
  readonly completed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly attempts: number;
  readonly runStartedAt: number;
  outputOf(index: number): unknown;
}

/** A figure that the criteria of a goal may use; undefined for a cost that is unknown. */
export function figureOf(run: GoalFacts, metric: GoalMetric, now: number): number | undefined {
  const { graph, spending, completed } = run;
  switch (metric) {
    case 'completedTasks':
      return completed;
    case 'failedTasks':
      return run.failed;
    case 'skippedTasks':
      return run.skipped;
    case 'totalTasks':
      return graph.size;
    case 'attempts':
      return run.attempts;
    case 'inputTokens':
      return spending.usage.inputTokens;
    case 'outputTokens':
      return spending.usage.outputTokens;
    case 'totalTokens':
      return spending.totalTokens;
    case 'costUsd':
      return spending.costUsd ?? undefined;
    case 'executionTimeMs':
      return now - run.runStartedAt;
    case 'successRate':
      return graph.size === 0 ? 0 : completed / graph.size;
  }
}
