import type { StratagemError } from '../contract/errors.js';
import type { RunEvent } from '../contract/event.js';
import type { GoalProgress } from '../contract/goal.js';
import type { PlanOutputs } from '../contract/plan.js';
import { type Metrics, metricsOf } from './metrics.js';
import { planOutputsOf } from './plan-outputs.js';
import type { RunState } from './run-state.js';
import type { TaskResult } from './task-result.js';

interface RunFields {
  /** The id of the run; undefined for a simulation, and for a result that was made from events alone. */
  readonly runId?: string | undefined;
  /** When the run began, as Unix time in milliseconds; undefined if it never did. */
  readonly startedAt?: number | undefined;
  /** When it ended, as Unix time in milliseconds: the time of its last event. */
  readonly endedAt?: number | undefined;
  readonly goal: string;
  /** Name of the strategy. */
  readonly strategy: string;
  /**
   * The results that the plan is for, by name: see `Plan.outputs`. Without it, the outputs of the completed
   * tasks that no other completed task depends on: those of the last tasks, in a completed run. Values of
   * tasks that did not complete are left out.
   */
  readonly planOutputs: Readonly<Record<string, unknown>>;
  /** Every task of the plan, in its order. */
  readonly tasks: readonly TaskResult[];
  readonly metrics: Metrics;
  /** The progress towards the goal at its last check; undefined without a `goalState`. */
  readonly goalProgress?: GoalProgress | undefined;
  /** Every event of the run, in order; empty with `timeline: 'stream'`. */
  readonly timeline: readonly RunEvent[];
  /** What listeners threw (the first hundred); it had no effect on the run. */
  readonly listenerErrors: readonly unknown[];
}

/**
 * All tasks completed or were not chosen, or the goal was achieved without the others, or re-planning
 * replaced the failed ones: see `replacedInRound`.
 */
export interface CompletedResult<Outputs> extends RunFields {
  readonly status: 'completed';
  /**
   * The output of each task by id; undefined for a task that did not complete, or whose output was
   * dropped (`outputs: 'final'`).
   */
  readonly outputs: Readonly<Outputs>;
  readonly error?: undefined;
}

/** The run failed or was canceled. Its results up to that moment are included. */
interface Unfinished<Outputs> extends RunFields {
  /** The outputs of the tasks that completed. */
  readonly outputs: Readonly<Partial<Outputs>>;
  /** Why the plan did not complete. */
  readonly error: StratagemError;
}

/** A task failed, a deadline was exceeded, or the strategy broke its contract. */
export interface FailedResult<Outputs> extends Unfinished<Outputs> {
  readonly status: 'failed';
}

/** The run was canceled. */
export interface CanceledResult<Outputs> extends Unfinished<Outputs> {
  readonly status: 'canceled';
}

/**
 * This process has ended its part in the run, which can be resumed. Tasks that have not ended are
 * `pending` or `running`.
 */
export interface InterruptedResult<Outputs> extends Unfinished<Outputs> {
  readonly status: 'interrupted';
}

/** The result of a run, however it ended. */
export type PlanResult<Outputs = Record<string, unknown>> =
  | CompletedResult<Outputs>
  | FailedResult<Outputs>
  | CanceledResult<Outputs>
  | InterruptedResult<Outputs>;

/** The parts of a result. */
interface ResultParts {
  readonly runId?: string | undefined;
  readonly goal: string;
  readonly strategy: string;
  readonly state: RunState;
  /** The results that the plan names. */
  readonly planOutputs: PlanOutputs | undefined;
  /** @default the events of the state's log */
  readonly timeline?: readonly RunEvent[] | undefined;
  readonly listenerErrors?: readonly unknown[] | undefined;
  /** Why the run was aborted, if its log has no end. */
  readonly failure?: StratagemError | undefined;
  /**
   * How a run without an end in its log ended here.
   * @default 'failed'
   */
  readonly failureStatus?: 'failed' | 'interrupted' | undefined;
}

/** A result is a view of the run's state; lists and records are created when they are first read. */
export function createResult<Outputs>(parts: ResultParts): PlanResult<Outputs> {
  return new RunResult(parts) as unknown as PlanResult<Outputs>;
}

const SOURCE = Symbol('source');

/** The state behind a result, and the lists and records created so far. */
interface Source {
  readonly state: RunState;
  readonly named: PlanOutputs | undefined;
  planOutputs?: Readonly<Record<string, unknown>> | undefined;
  timeline: readonly RunEvent[] | undefined;
  metrics?: Metrics | undefined;
  tasks?: readonly TaskResult[] | undefined;
  outputs?: Readonly<Record<string, unknown>> | undefined;
}

class RunResult {
  readonly status: string;
  declare readonly runId?: string;
  declare readonly startedAt?: number;
  declare readonly endedAt?: number;
  readonly goal: string;
  readonly strategy: string;
  declare readonly error?: StratagemError;
  declare readonly metrics: Metrics;
  declare readonly goalProgress?: GoalProgress;
  declare readonly timeline: readonly RunEvent[];
  readonly listenerErrors: readonly unknown[];
  declare readonly tasks: readonly TaskResult[];
  declare readonly outputs: Readonly<Record<string, unknown>>;
  declare readonly planOutputs: Readonly<Record<string, unknown>>;
  declare readonly [SOURCE]: Source;

  constructor(parts: ResultParts) {
    const { goal, strategy, state, timeline, listenerErrors = [], failure } = parts;
    const { failureStatus = 'failed' } = parts;
    const error = failure ?? state.error;
    this.status = failure === undefined ? state.status : failureStatus;
    if (parts.runId !== undefined) this.runId = parts.runId;
    const { log } = state;
    if (log.length > 0) {
      this.startedAt = log.timeAt(0);
      this.endedAt = log.timeAt(log.length - 1);
    }
    this.goal = goal;
    this.strategy = strategy;
    if (error !== undefined) this.error = error;
    if (state.goalProgress !== undefined) this.goalProgress = state.goalProgress;
    this.listenerErrors = listenerErrors;
    Object.defineProperty(this, SOURCE, { value: { state, timeline, named: parts.planOutputs } });
    Object.defineProperties(this, LAZY_PROPERTIES);
  }

  toJSON(): Record<string, unknown> {
    return this.#fieldsWith(this.timeline);
  }

  /** Shown by `console.log(result)` in Node, with the timeline as a count. */
  [Symbol.for('nodejs.util.inspect.custom')](): Record<string, unknown> {
    const { state, timeline = state.log } = this[SOURCE];
    return this.#fieldsWith(`${timeline.length} events`);
  }

  #fieldsWith(timeline: unknown): Record<string, unknown> {
    const { status, goal, strategy, outputs, planOutputs, tasks, error, metrics } = this;
    const { goalProgress, runId, startedAt, endedAt } = this;
    const progress = goalProgress === undefined ? {} : { goalProgress };
    return {
      status,
      ...(runId !== undefined && { runId }),
      ...(startedAt !== undefined && { startedAt, endedAt }),
      ...{ goal, strategy, planOutputs, outputs, tasks, error, metrics },
      ...progress,
      timeline,
    };
  }
}

/**
 * Own properties, so that a spread copy has them. All results share these getters: with getters per
 * object, the engine would keep the whole run in memory until a major garbage collection.
 */
const LAZY_PROPERTIES: PropertyDescriptorMap & ThisType<RunResult> = {
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
  planOutputs: {
    enumerable: true,
    get() {
      const source = this[SOURCE];
      source.planOutputs ??= planOutputsOf(source.named, source.state);
      return source.planOutputs;
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
    if (state.statusOf(index) !== 'completed' || state.isReleased(index)) continue;
    outputs[id] = state.outputOf(index);
  }
  return outputs;
}
