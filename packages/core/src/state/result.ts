import type { StratagemError } from '../contract/errors.js';
import type { RunEvent } from '../contract/event.js';
import type { GoalProgress } from '../contract/goal.js';
import { type Metrics, metricsOf } from './metrics.js';
import type { RunState } from './run-state.js';
import type { TaskResult } from './task-result.js';

interface Account {
  readonly goal: string;
  /** Name of the strategy. */
  readonly strategy: string;
  /** Every task of the plan, in its order. */
  readonly tasks: readonly TaskResult[];
  readonly metrics: Metrics;
  /** How far the goal was reached when it was last checked; undefined without a `goalState`. */
  readonly goalProgress?: GoalProgress;
  /** Every event of the run, in order; empty with `timeline: 'stream'`. */
  readonly timeline: readonly RunEvent[];
  /** What listeners threw (the first hundred); it had no effect on the run. */
  readonly listenerErrors: readonly unknown[];
}

/**
 * Every task completed or was not chosen; or the goal was reached without the others, or something
 * has made up for them: see `replacedInRound`.
 */
export interface CompletedResult<Outputs> extends Account {
  readonly status: 'completed';
  /** The output of each task by its id; of a task that did not complete, undefined. */
  readonly outputs: Readonly<Outputs>;
  readonly error?: undefined;
}

/** The run failed or was canceled; everything up to then is here. */
interface Unfinished<Outputs> extends Account {
  /** The outputs of the tasks that completed. */
  readonly outputs: Readonly<Partial<Outputs>>;
  /** Why the plan did not complete. */
  readonly error: StratagemError;
}

/** A task failed, time ran out, or the strategy broke its contract. */
export interface FailedResult<Outputs> extends Unfinished<Outputs> {
  readonly status: 'failed';
}

/** The run was canceled. */
export interface CanceledResult<Outputs> extends Unfinished<Outputs> {
  readonly status: 'canceled';
}

/** The whole account of a run, however it ended. */
export type PlanResult<Outputs = Record<string, unknown>> =
  | CompletedResult<Outputs>
  | FailedResult<Outputs>
  | CanceledResult<Outputs>;

/** What `createResult` puts together. */
export interface ResultParts {
  readonly goal: string;
  readonly strategy: string;
  readonly state: RunState;
  /** @default the events of the state's log */
  readonly timeline?: readonly RunEvent[] | undefined;
  readonly listenerErrors?: readonly unknown[];
  /** Why the run could not go on, where its log does not say how it ended. */
  readonly failure?: StratagemError | undefined;
}

/** A result is a view of the run's state; lists and records are made when they are first read. */
export function createResult<Outputs>(parts: ResultParts): PlanResult<Outputs> {
  return new RunResult(parts) as unknown as PlanResult<Outputs>;
}

const SOURCE = Symbol('source');

/** What lists and records are made from, and those that have been. */
interface Source {
  readonly state: RunState;
  timeline: readonly RunEvent[] | undefined;
  metrics?: Metrics;
  tasks?: readonly TaskResult[];
  outputs?: Readonly<Record<string, unknown>>;
}

class RunResult {
  readonly status: string;
  readonly goal: string;
  readonly strategy: string;
  declare readonly error?: StratagemError;
  declare readonly metrics: Metrics;
  declare readonly goalProgress?: GoalProgress;
  declare readonly timeline: readonly RunEvent[];
  readonly listenerErrors: readonly unknown[];
  declare readonly tasks: readonly TaskResult[];
  declare readonly outputs: Readonly<Record<string, unknown>>;
  declare readonly [SOURCE]: Source;

  constructor(parts: ResultParts) {
    const { goal, strategy, state, timeline, listenerErrors = [], failure } = parts;
    const error = failure ?? state.error;
    this.status = failure === undefined ? state.status : 'failed';
    this.goal = goal;
    this.strategy = strategy;
    if (error !== undefined) this.error = error;
    if (state.goalProgress !== undefined) this.goalProgress = state.goalProgress;
    this.listenerErrors = listenerErrors;
    Object.defineProperty(this, SOURCE, { value: { state, timeline } });
    Object.defineProperties(this, MADE_WHEN_READ);
  }

  toJSON(): Record<string, unknown> {
    return this.#accountWith(this.timeline);
  }

  /** What `console.log(result)` shows in Node: the account, with the timeline only counted. */
  [Symbol.for('nodejs.util.inspect.custom')](): Record<string, unknown> {
    const { state, timeline = state.log } = this[SOURCE];
    return this.#accountWith(`${timeline.length} events`);
  }

  #accountWith(timeline: unknown): Record<string, unknown> {
    const { status, goal, strategy, outputs, tasks, error, metrics, goalProgress } = this;
    const progress = goalProgress === undefined ? {} : { goalProgress };
    return { status, goal, strategy, outputs, tasks, error, metrics, ...progress, timeline };
  }
}

/**
 * Properties of the object's own, so that a spread copy has them. All results share these getters:
 * the engine keeps those of each object apart with its shape, and with them all that they refer
 * to, here a whole run, until it collects its old garbage.
 */
const MADE_WHEN_READ: PropertyDescriptorMap & ThisType<RunResult> = {
  tasks: {
    enumerable: true,
    get() {
      const source = this[SOURCE];
      source.tasks ??= tasksOf(source.state);
      return source.tasks;
    },
  },
  metrics: {
    enumerable: true,
    get() {
      const source = this[SOURCE];
      source.metrics ??= metricsOf(source.state);
      return source.metrics;
    },
  },
  timeline: {
    enumerable: true,
    get() {
      const source = this[SOURCE];
      source.timeline ??= source.state.log.events();
      return source.timeline;
    },
  },
  outputs: {
    enumerable: true,
    get() {
      const source = this[SOURCE];
      source.outputs ??= outputsOf(source.state);
      return source.outputs;
    },
  },
};

function tasksOf(state: RunState): TaskResult[] {
  return state.graph.tasks.map((_, index) => state.resultOf(index));
}

function outputsOf(state: RunState): Record<string, unknown> {
  // Without a prototype, so that "__proto__" and "constructor" are ids like any other.
  const outputs = Object.create(null) as Record<string, unknown>;
  for (const [index, { id }] of state.graph.tasks.entries()) {
    if (state.statusOf(index) === 'completed') outputs[id] = state.outputOf(index);
  }
  return outputs;
}
