import type { Operator } from './condition.js';
import { type Path, parsePath, parseReference } from './reference.js';

/**
 * When a plan has reached its goal: criteria over outputs and metrics. The plan ends as soon as a
 * check finds the goal reached. It has failed if the goal is not reached at the end.
 */
export interface GoalState {
  /** The goal in words, for the message of a run that does not reach it. */
  readonly description?: string | undefined;
  readonly criteria: readonly GoalCriterion[];
  /**
   * The share of the criteria, by weight, that must be met: > 0 and ≤ 1.
   * @default 1
   */
  readonly threshold?: number | undefined;
  /**
   * Whether running tasks finish or are aborted when the goal is reached.
   * @default 'finish'
   */
  readonly whenAchieved?: 'finish' | 'abort' | undefined;
}

/** One condition of the goal. */
export type GoalCriterion = {
  /**
   * Shown in events and messages.
   * @default the comparison itself
   */
  readonly name?: string | undefined;
  readonly operator: Operator;
  readonly value: unknown;
  /**
   * Its weight among the criteria; > 0.
   * @default 1
   */
  readonly weight?: number | undefined;
} & (
  | {
      /** `outputs.report.score`: a path in a task's output. `metrics.completedTasks`: a metric. */
      readonly path: string;
      readonly count?: undefined;
    }
  | {
      /**
       * Compares the number of values at a path in the outputs of all tasks: `outputs.*.papers` counts
       * each item of a list, and other values once.
       */
      readonly count: string;
      readonly path?: undefined;
    }
);

/** Metrics that a criterion may use, as in `metrics.completedTasks`. */
export const GOAL_METRICS = [
  'completedTasks',
  'failedTasks',
  'skippedTasks',
  'totalTasks',
  'attempts',
  'inputTokens',
  'outputTokens',
  'totalTokens',
  'costUsd',
  'executionTimeMs',
  'successRate',
] as const;

export type GoalMetric = (typeof GOAL_METRICS)[number];

/** How far a plan is from its goal. */
export interface GoalProgress {
  /** The share of the criteria that are met, by weight: 0 to 1. */
  readonly progress: number;
  readonly achieved: boolean;
  readonly criteria: readonly CriterionProgress[];
}

export interface CriterionProgress {
  readonly name: string;
  readonly met: boolean;
  /** The value at the path; undefined while there is none. */
  readonly actual: unknown;
}

/** The value that a criterion compares. */
export type Subject =
  | { readonly kind: 'output'; readonly id: string; readonly path: Path }
  | { readonly kind: 'metric'; readonly metric: GoalMetric }
  | { readonly kind: 'count'; readonly path: Path };

const ANY_TASK = 'outputs.*';

/**
 * Reads the path of a criterion.
 *
 * @returns A message when it is invalid.
 */
export function subjectOf(
  criterion: GoalCriterion,
  isTask: (id: string) => boolean,
): Subject | string {
  const { path: text, count } = criterion;
  if (count !== undefined) {
    const path = count.startsWith(ANY_TASK) ? parsePath(count.slice(ANY_TASK.length)) : undefined;
    return path === undefined
      ? `count must be like "outputs.*.papers"; it is "${count}"`
      : { kind: 'count', path };
  }
  const [space, rest] = split(text as string);
  if (space === 'metrics') {
    const metric = GOAL_METRICS.find((each) => each === rest);
    return metric === undefined
      ? `unknown metric "${rest}"; known metrics are ${GOAL_METRICS.join(', ')}`
      : { kind: 'metric', metric };
  }
  if (space !== 'outputs') {
    return `must start with "outputs." or "metrics."; it is "${text}"`;
  }
  const reference = parseReference(rest, isTask);
  return reference === undefined
    ? `"${rest}" is not a task of the plan, or not a path in its output`
    : { kind: 'output', ...reference };
}

function split(path: string): [string, string] {
  const dot = path.indexOf('.');
  return dot < 0 ? [path, ''] : [path.slice(0, dot), path.slice(dot + 1)];
}
