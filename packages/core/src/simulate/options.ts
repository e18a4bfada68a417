import type { Budget } from '../contract/budget.js';
import type { OutputPart } from '../contract/output-part.js';
import type { InputValues } from '../contract/plan-inputs.js';
import type { PriceTable } from '../contract/price.js';
import type { ReplanLimits, Revision, Situation } from '../contract/replan.js';
import type { ResourceLimits } from '../contract/resource-limit.js';
import type { RetryPolicy } from '../contract/retry.js';
import type { TaskOutput } from '../contract/runner.js';
import type { Strategy } from '../contract/strategy.js';
import type { Task } from '../contract/task.js';
import type { Inputs } from '../state/inputs.js';
import type { SimulatedServer } from './server.js';

/** The outcome of one attempt in a simulation. */
export interface SimulatedAttempt extends Partial<TaskOutput> {
  /** Duration of the attempt in virtual milliseconds; Infinity if it never ends by itself. */
  readonly durationMs: number;
  /** Parts of its output, and when it reports them, in virtual milliseconds after its start. */
  readonly parts?: readonly { readonly afterMs: number; readonly part: OutputPart }[];
  /** If present, the attempt fails with this error. */
  readonly error?: unknown | undefined;
  /** Tasks that the attempt adds to the plan when it ends, as `context.addTasks` would. */
  readonly addTasks?: readonly Task[] | undefined;
}

/** The answer of a human in a simulation. */
export interface SimulatedAnswer {
  /** Virtual milliseconds until the answer; Infinity for no answer. */
  readonly afterMs: number;
  readonly answer: unknown;
}

/** The outcome of a round of re-planning in a simulation. */
export interface SimulatedRevision extends Partial<Revision> {
  /** Duration of the round in virtual milliseconds; Infinity if it never ends by itself. */
  readonly durationMs: number;
  /** If present, the round fails with this error. */
  readonly error?: unknown | undefined;
}

/** The outcome of reading from the stream of a fan-out in a simulation. */
export interface SimulatedRead {
  /** Virtual milliseconds until the items are there; Infinity for never. */
  readonly durationMs: number;
  readonly items?: readonly unknown[] | undefined;
  /**
   * Whether these are all items.
   * @default false
   */
  readonly isEnd?: boolean | undefined;
  /** If present, the stream cannot be read further. */
  readonly error?: unknown | undefined;
}

/** Controls of a simulated run. */
export interface SimulationControls {
  cancel(reason?: unknown): void;
  /** Without effect on a task that is unknown or has ended. */
  cancelTask(taskId: string, reason?: unknown): void;
  /** Without effect on a task that is unknown or has ended. */
  skipTask(taskId: string, reason?: unknown): void;
  pause(): void;
  resume(): void;
  setMaxParallel(maxParallel: number): void;
  addTasks(tasks: readonly Task[]): void;
}

/** An external action on the run. */
export interface SimulatedAction {
  /** When it happens, in virtual milliseconds after the start. */
  readonly atMs: number;
  readonly act: (run: SimulationControls) => void;
}

/** The strategy and the limits of a simulated run, and the model of the servers. Nothing is called. */
export interface SimulateOptions {
  /** Decides which ready task starts next, as for a real run. */
  readonly strategy: Strategy;
  /**
   * The values of the plan's inputs.
   * @default the defaults of the inputs; those without one are missing
   */
  readonly inputs?: InputValues | undefined;
  /** As in `RunOptions`. */
  readonly maxParallel?: number | undefined;
  /** As in `RunOptions`, by the names that `resourceOf` returns. */
  readonly resources?: ResourceLimits | undefined;
  /** As in `RunOptions`. */
  readonly failFast?: boolean | undefined;
  /** As in `RunOptions`, in virtual time. */
  readonly deadlineMs?: number | undefined;
  /** As in `RunOptions`, in virtual time. */
  readonly timeoutMs?: number | undefined;
  /** As in `RunOptions`, in virtual time. */
  readonly idleTimeoutMs?: number | undefined;
  /** As in `RunOptions`, in virtual time. */
  readonly retry?: RetryPolicy | undefined;
  /** As in `RunOptions`. */
  readonly budget?: Budget | undefined;
  /** As in `RunOptions`. */
  readonly prices?: PriceTable | undefined;
  /** As in `RunOptions`; `revise` is called when a round starts, and returns its outcome. */
  readonly replan?:
    | (ReplanLimits & { revise(situation: Situation): SimulatedRevision })
    | undefined;
  /** As in `RunOptions`. */
  readonly maxDepth?: number | undefined;
  /**
   * As in `RunOptions`.
   * @default 0
   */
  readonly seed?: number | undefined;
  /**
   * Called when an attempt starts; returns its outcome. With a `server`, it is only called for function
   * tasks. Outputs are not validated against the task's schema.
   * @default the task's estimated duration, or 1,000 ms, and no output
   */
  readonly attempt?:
    | ((task: Task, attempt: number, inputs: Inputs) => SimulatedAttempt)
    | undefined;
  /**
   * Receives attempts and decides when they end; to be used for a single run.
   * @default none: `attempt` returns the duration of each attempt when it starts
   */
  readonly server?: SimulatedServer | undefined;
  /**
   * Called when a human step starts to wait; returns the answer.
   * @default `true` for an approval and nothing for an answer, after the task's estimated duration
   */
  readonly answer?: ((task: Task, question: string) => SimulatedAnswer) | undefined;
  /**
   * Called when a fan-out over a stream has room for more items; returns at most `count` of them. Needed
   * for a plan with such a fan-out.
   */
  readonly read?: ((task: Task, skip: number, count: number) => SimulatedRead) | undefined;
  /**
   * The resource that an attempt competes for; see `TaskView.resource`.
   * @default one resource for all tasks
   */
  readonly resourceOf?: ((task: Task) => string) | undefined;
  /** External actions on the run. */
  readonly actions?: readonly SimulatedAction[] | undefined;
}

/** The names of `SimulateOptions`. */
export const SIMULATE_OPTIONS: readonly (keyof SimulateOptions)[] = [
  'strategy',
  'inputs',
  'maxParallel',
  'resources',
  'failFast',
  'deadlineMs',
  'timeoutMs',
  'idleTimeoutMs',
  'retry',
  'budget',
  'prices',
  'replan',
  'maxDepth',
  'seed',
  'attempt',
  'server',
  'answer',
  'read',
  'resourceOf',
  'actions',
];
