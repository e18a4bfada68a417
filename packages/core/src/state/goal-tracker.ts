import { compare } from '../contract/condition.js';
import { show } from '../contract/errors.js';
import {
  type GoalCriterion,
  type GoalProgress,
  type GoalState,
  type Subject,
  subjectOf,
} from '../contract/goal.js';
import { readPath } from '../contract/reference.js';
import { figureOf, type GoalFacts } from './goal-figures.js';

interface Tracked {
  readonly name: string;
  readonly criterion: GoalCriterion;
  readonly subject: Subject;
  /** For a count: the number of values so far. */
  count: number;
  /** Whether somebody said that it is met. */
  isMetByHand: boolean;
}

/**
 * Tracks the progress of a run towards its goal. It counts values as outputs arrive, so the cost of
 * a check does not depend on the number of tasks.
 */
export class GoalTracker {
  readonly whenAchieved: 'finish' | 'abort';
  /** The goal in words. */
  readonly description: string | undefined;
  readonly #tracked: Tracked[];
  readonly #threshold: number;
  readonly #totalWeight: number;

  constructor(goal: GoalState, isTask: (id: string) => boolean) {
    this.whenAchieved = goal.whenAchieved ?? 'finish';
    this.description = goal.description;
    this.#threshold = goal.threshold ?? 1;
    this.#tracked = goal.criteria.map((criterion) => ({
      name: criterion.name ?? nameOf(criterion),
      criterion,
      subject: subjectOf(criterion, isTask) as Subject,
      count: 0,
      isMetByHand: false,
    }));
    this.#totalWeight = goal.criteria.reduce((sum, { weight = 1 }) => sum + weight, 0);
  }

  /** A task has completed with this output. */
  completed(output: unknown): void {
    for (const tracked of this.#tracked) {
      if (tracked.subject.kind !== 'count') continue;
      const value = readPath(output, tracked.subject.path);
      if (Array.isArray(value)) tracked.count += value.length;
      else if (value !== undefined && value !== null) tracked.count++;
    }
  }

  /** The names of the criteria. */
  get names(): readonly string[] {
    return this.#tracked.map(({ name }) => name);
  }

  /** Whether somebody said that the criterion is met. */
  isMetByHand(name: string): boolean {
    return this.#tracked.some((each) => each.name === name && each.isMetByHand);
  }

  /** Somebody says that the criterion of this name is met, whatever its value is. */
  meet(name: string): void {
    for (const tracked of this.#tracked) if (tracked.name === name) tracked.isMetByHand = true;
  }

  /** The outputs will be counted once more. */
  reset(): void {
    for (const tracked of this.#tracked) tracked.count = 0;
  }

  /** What it keeps to itself, for tests that compare two states. */
  get internals(): Readonly<Record<string, unknown>> {
    const met = this.#tracked.map(({ isMetByHand }) => isMetByHand);
    return { counts: this.#tracked.map(({ count }) => count), met };
  }

  check(state: GoalFacts, now: number): GoalProgress {
    let met = 0;
    const criteria = this.#tracked.map(({ name, criterion, subject, count, isMetByHand }) => {
      const actual = subject.kind === 'count' ? count : actualOf(subject, state, now);
      const holds = isMetByHand || isMet(criterion, actual);
      if (holds) met += criterion.weight ?? 1;
      return { name, met: holds, actual };
    });
    // Sums of weights such as 0.1 are not exact, but the progress must be 1 when all are met.
    const progress = criteria.every((each) => each.met) ? 1 : met / this.#totalWeight;
    return { progress, achieved: progress >= this.#threshold, criteria };
  }
}

function isMet({ operator, value }: GoalCriterion, actual: unknown): boolean {
  try {
    return compare(actual, operator, value);
  } catch {
    return false; // A pattern takes too long on this text.
  }
}

/** Lists the criteria that are not met, for a message. */
export function unmet({ criteria }: GoalProgress): string {
  return criteria
    .filter(({ met }) => !met)
    .map(({ name, actual }) => `${name} (it is ${brief(actual)})`)
    .join('; ');
}

/** Outputs can be long, so only their beginning is shown. */
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

function actualOf(
  subject: Exclude<Subject, { kind: 'count' }>,
  state: GoalFacts,
  now: number,
): unknown {
  if (subject.kind === 'metric') return figureOf(state, subject.metric, now);
  const index = state.graph.indexOf(subject.id);
  return index === undefined ? undefined : readPath(state.outputOf(index), subject.path);
}

function nameOf({ path, count, operator, value }: GoalCriterion): string {
  const what = path ?? `count of ${count}`;
  return `${what} ${operator} ${json(value) ?? show(value)}`;
}
