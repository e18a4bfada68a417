import type { Budget } from '../contract/budget.js';
import type { OutputPart } from '../contract/output-part.js';
import type { PriceTable } from '../contract/price.js';
import type { ReplanLimits, Revision, Situation } from '../contract/replan.js';
import type { RetryPolicy } from '../contract/retry.js';
import type { TaskOutput } from '../contract/runner.js';
import type { Strategy } from '../contract/strategy.js';
import type { Task } from '../contract/task.js';
import type { Inputs } from '../state/inputs.js';
import type { SimulatedServer } from './server.js';

/** What becomes of one attempt in a simulation. */
export interface SimulatedAttempt extends Partial<TaskOutput> {
  /** Virtual milliseconds the attempt takes; Infinity for one that never ends by itself. */
  readonly durationMs: number;
  /** What it reports of its output, and how long after its start, in virtual milliseconds. */
  readonly parts?: readonly { readonly afterMs: number; readonly part: OutputPart }[];
  /** When given, the attempt fails with it. */
  readonly error?: unknown;
  /** Tasks that the attempt adds to the plan when it ends, as `context.addTasks` would. */
  readonly addTasks?: readonly Task[];
}

/** What a human does in a simulation. */
export interface SimulatedAnswer {
  /** Virtual milliseconds until the answer comes; Infinity for one that never does. */
  readonly afterMs: number;
  readonly answer: unknown;
}

/** What comes of a round of re-planning in a simulation. */
export interface SimulatedRevision extends Partial<Revision> {
  /** Virtual milliseconds the round takes; Infinity for one that never ends by itself. */
  readonly durationMs: number;
  /** When given, the round fails with it. */
  readonly error?: unknown;
}

/** What can be done to a simulated run while it goes on. */
export interface SimulationControls {
  cancel(reason?: unknown): void;
  pause(): void;
  resume(): void;
  setMaxParallel(maxParallel: number): void;
  addTasks(tasks: readonly Task[]): void;
}

/** Something that happens to the run from outside. */
export interface SimulatedAction {
  /** When, in virtual milliseconds from the start. */
  readonly atMs: number;
  readonly act: (run: SimulationControls) => void;
}

export interface SimulateOptions {
  readonly strategy: Strategy;
  /** As in `RunOptions`. */
  readonly maxParallel?: number;
  /** As in `RunOptions`. */
  readonly failFast?: boolean;
  /** As in `RunOptions`, in virtual time. */
  readonly deadlineMs?: number;
  /** As in `RunOptions`, in virtual time. */
  readonly timeoutMs?: number;
  /** As in `RunOptions`, in virtual time. */
  readonly retry?: RetryPolicy;
  /** As in `RunOptions`. */
  readonly budget?: Budget;
  /** As in `RunOptions`. */
  readonly prices?: PriceTable;
  /** As in `RunOptions`; `revise` says what comes of a round, and is called when it begins. */
  readonly replan?: ReplanLimits & { revise(situation: Situation): SimulatedRevision };
  /** As in `RunOptions`. */
  readonly maxDepth?: number;
  /**
   * As in `RunOptions`.
   * @default 0
   */
  readonly seed?: number;
  /**
   * Says what becomes of an attempt; called when it starts. With a `server`, only the attempts at
   * function tasks are asked about here. Outputs are taken as they are, whatever the task's schema.
   * @default the task's estimated duration, or 1,000 ms, and no output
   */
  readonly attempt?: (task: Task, attempt: number, inputs: Inputs) => SimulatedAttempt;
  /**
   * What attempts are sent to, and what says when they end; for one run alone.
   * @default none: `attempt` says of each attempt how long it takes when it starts
   */
  readonly server?: SimulatedServer;
  /**
   * Says what a human answers; called when a human step comes up.
   * @default `true` for an approval and nothing for an answer, after the task's estimated duration
   */
  readonly answer?: (task: Task, question: string) => SimulatedAnswer;
  /**
   * What an attempt competes for; see `TaskView.resource`.
   * @default one resource for all
   */
  readonly resourceOf?: (task: Task) => string;
  /** What happens to the run from outside, and when. */
  readonly actions?: readonly SimulatedAction[];
}

/** Their names. */
export const SIMULATE_OPTIONS: readonly (keyof SimulateOptions)[] = [
  'strategy',
  'maxParallel',
  'failFast',
  'deadlineMs',
  'timeoutMs',
  'retry',
  'budget',
  'prices',
  'replan',
  'maxDepth',
  'seed',
  'attempt',
  'server',
  'answer',
  'resourceOf',
  'actions',
];
