import type { RunState } from '../state/run-state.js';
import { compare, type Operator } from './condition.js';
import { show } from './errors.js';
import { type Path, parsePath, parseReference, readPath } from './reference.js';

/**
 * When a plan has reached its goal: criteria over outputs and figures. The plan ends as soon as a
 * check finds it reached, and has failed when it has not been reached at the end.
 */
export interface GoalState {
  readonly criteria: readonly GoalCriterion[];
  /**
   * The share of the criteria, by weight, that must be met: above 0, up to 1.
   * @default 1
   */
  readonly threshold?: number;
  /**
   * What becomes of tasks that run when the goal is reached: they go on to their end, or they are
   * aborted.
   * @default 'finish'
   */
  readonly whenAchieved?: 'finish' | 'abort';
}

/** One thing that must be so for the goal to be reached. */
export type GoalCriterion = {
  /**
   * Shown in events and messages.
   * @default the comparison itself
   */
  readonly name?: string;
  readonly operator: Operator;
  readonly value: unknown;
  /**
   * What it counts for beside the others; above 0.
   * @default 1
   */
  readonly weight?: number;
} & (
  | {
      /** `outputs.report.score`: a place in a task's output. `metrics.completedTasks`: a figure. */
      readonly path: string;
      readonly count?: undefined;
    }
  | {
      /**
       * Compares how many values there are at a place in the outputs of all tasks:
       * `outputs.*.papers` counts the elements of lists, and other values once.
       */
      readonly count: string;
      readonly path?: undefined;
    }
);

/** Figures that a criterion may use, as in `metrics.completedTasks`. */
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
  /** What was found; undefined while there is nothing. */
  readonly actual: unknown;
}

/** Where a criterion looks. */
type Place =
  | { readonly kind: 'output'; readonly id: string; readonly path: Path }
  | { readonly kind: 'metric'; readonly metric: GoalMetric }
  | { readonly kind: 'count'; readonly path: Path };

const ANY_TASK = 'outputs.*';

/**
 * Reads the place that a criterion names.
 *
 * @returns What is wrong with it, when it names none.
 */
export function placeOf(criterion: GoalCriterion, isTask: (id: string) => boolean): Place | string {
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
      ? `there is no metric "${rest}"; there are ${GOAL_METRICS.join(', ')}`
      : { kind: 'metric', metric };
  }
  if (space !== 'outputs') {
    return `must begin with "outputs." or "metrics."; it is "${text}"`;
  }
  const reference = parseReference(rest, isTask);
  return reference === undefined
    ? `"${rest}" names no task of the plan, or no place in its output`
    : { kind: 'output', ...reference };
}

function split(path: string): [string, string] {
  const dot = path.indexOf('.');
  return dot < 0 ? [path, ''] : [path.slice(0, dot), path.slice(dot + 1)];
}

interface Tracked {
  readonly name: string;
  readonly criterion: GoalCriterion;
  readonly place: Place;
  /** For a count: how many values so far. */
  count: number;
}

/**
 * Follows a run towards its goal. Counts are kept as outputs arrive, so that a check costs the
 * same however many tasks there are.
 */
export class GoalTracker {
  readonly whenAchieved: 'finish' | 'abort';
  readonly #tracked: Tracked[];
  readonly #threshold: number;
  readonly #totalWeight: number;

  constructor(goal: GoalState, isTask: (id: string) => boolean) {
    this.whenAchieved = goal.whenAchieved ?? 'finish';
    this.#threshold = goal.threshold ?? 1;
    this.#tracked = goal.criteria.map((criterion) => ({
      name: criterion.name ?? nameOf(criterion),
      criterion,
      place: placeOf(criterion, isTask) as Place,
      count: 0,
    }));
    this.#totalWeight = goal.criteria.reduce((sum, { weight = 1 }) => sum + weight, 0);
  }

  /** A task has completed with this output. */
  completed(output: unknown): void {
    for (const tracked of this.#tracked) {
      if (tracked.place.kind !== 'count') continue;
      const value = readPath(output, tracked.place.path);
      if (Array.isArray(value)) tracked.count += value.length;
      else if (value !== undefined && value !== null) tracked.count++;
    }
  }

  /** For each criterion that counts values, how many there are. */
  get counts(): readonly number[] {
    return this.#tracked.map(({ count }) => count);
  }

  check(state: RunState, now: number): GoalProgress {
    let met = 0;
    const criteria = this.#tracked.map(({ name, criterion, place, count }) => {
      const actual = place.kind === 'count' ? count : valueAt(place, state, now);
      const holds = compare(actual, criterion.operator, criterion.value);
      if (holds) met += criterion.weight ?? 1;
      return { name, met: holds, actual };
    });
    // Sums of weights like 0.1 are not exact; all met is exactly 1.
    const progress = criteria.every((each) => each.met) ? 1 : met / this.#totalWeight;
    return { progress, achieved: progress >= this.#threshold, criteria };
  }
}

/** What is still missing, in words. */
export function unmet({ criteria }: GoalProgress): string {
  return criteria
    .filter(({ met }) => !met)
    .map(({ name, actual }) => `${name} (it is ${brief(actual)})`)
    .join('; ');
}

/** Outputs can be long; the beginning says which one is meant. */
function brief(value: unknown): string {
  const text = show(typeof value === 'object' ? json(value) : value);
  return text.length <= 80 ? text : `${text.slice(0, 80)}…`;
}

function json(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

function valueAt(place: Exclude<Place, { kind: 'count' }>, state: RunState, now: number): unknown {
  if (place.kind === 'metric') return state.figure(place.metric, now);
  const index = state.graph.indexOf(place.id);
  return index === undefined ? undefined : readPath(state.outputOf(index), place.path);
}

function nameOf({ path, count, operator, value }: GoalCriterion): string {
  const what = path ?? `count of ${count}`;
  return `${what} ${operator} ${json(value) ?? show(value)}`;
}
