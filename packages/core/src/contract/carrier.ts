import type { Json } from './journal.js';
import type { OutputPart } from './output-part.js';
import type { TaskFailure } from './run-after.js';
import type { AttemptResult } from './runner.js';
import type { CommandCall } from './step.js';
import type { TraceContext } from './surround.js';
import type { Task } from './task.js';
import type { ApprovalDecision, ApprovalRequest } from './tool-approval.js';

/**
 * Where attempts run: in this process, or on workers behind a queue. The run decides what starts and
 * when; a carrier only carries it out and reports.
 *
 * Deliver reports late, twice or not at all: the run ignores what it no longer expects, and an
 * attempt that never ends is stopped by its time limit. `carrierConformance` proves a carrier.
 *
 * @example
 * const carrier: AttemptCarrier = {
 *   name: 'queue',
 *   start: (call, tell) => void queue.add(call.key, call).then((job) => follow(job, tell)),
 *   cancel: (key, reason) => queue.cancel(key, reason),
 *   detach: (key) => unfollow(key),
 *   close: () => queue.close(),
 * };
 */
export interface AttemptCarrier {
  readonly name: string;
  /**
   * Whether an attempt may wait before it begins, as in a queue. The carrier then reports `begun`,
   * and time limits and durations count from there.
   * @default false
   */
  readonly beginsLater?: boolean | undefined;
  /** Starts an attempt. One that it already works on, by its key, is attached to instead. */
  start(call: AttemptCall, tell: Tell): void;
  /** The run does not want this attempt any more: stop it. */
  cancel(key: string, reason: unknown): void;
  /**
   * A human has decided about a call of a tool that the attempt asked for, by the key of the call. A
   * carrier without this cannot run tools that need approval.
   */
  decide?(key: string, callKey: string, decision: ApprovalDecision): void;
  /** This process gives up the run, and the attempt lives on: stop reporting, do not stop it. */
  detach(key: string): void;
  /** The result of this attempt is recorded: it need not be kept any more. */
  forget?(key: string): void;
  /** Of these attempts, those that it still works on or whose result it still has. */
  alive?(keys: readonly string[]): Promise<ReadonlySet<string>>;
  /** Stops every attempt that was started through it, and gives back what it holds. */
  close(): void | Promise<void>;
}

/** Receives reports about one attempt. The promise, if any, asks to wait before reporting more. */
export type Tell = (report: AttemptReport) => Promise<void> | undefined;

/** One attempt to be carried out. Plain JSON once it went through `toJSON`. */
export interface AttemptCall {
  /** The idempotency key: the same when this attempt is started again after a crash. */
  readonly key: string;
  readonly runId: string;
  readonly taskId: string;
  /** 1 for the first try. */
  readonly attempt: number;
  /** How many tries the task has left, this one included. */
  readonly attemptsLeft: number;
  /** What it competes for, usually provider and model. */
  readonly resource: string;
  /** Higher goes first. */
  readonly priority: number;
  /** How much of the plan waits for it; see `RunContext`. */
  readonly criticalPath: number;
  /** The longest it may take from `begun` on, in milliseconds; left out without a limit. */
  readonly timeLimitMs?: number | undefined;
  /**
   * The longest it may go without an `output` report other than a notice, in milliseconds; left out
   * without a limit. The run cancels it then; a carrier whose reports take long may do it earlier.
   */
  readonly idleLimitMs?: number | undefined;
  /** The failures that the task runs after; left out when there are none. */
  readonly failures?: readonly TaskFailure[] | undefined;
  /**
   * Whether anybody reads the text of the answer while it is written; left out when somebody does.
   */
  readonly wantsText?: boolean | undefined;
  /** The trace that the attempt belongs to; left out without an `instrumentation`. */
  readonly trace?: TraceContext | undefined;
  /** Whether values of secret inputs may be in the work; left out when they are not. */
  readonly hasSecrets?: boolean | undefined;
  /**
   * The results of the tool calls that the attempt made before it was started again after a crash, in the
   * encoding of `encodeValue`; left out when there are none. The worker does not make these calls again.
   */
  readonly toolResults?: Json | undefined;
  readonly work: AttemptWork;
}

/** A request to a runner. */
export interface RequestWork {
  readonly kind: 'request';
  /** A `TaskRequest` as data: `inputs` and `metadata` in the encoding of `encodeValue`. */
  readonly request: Json;
  /** Names of the tools that the model may call. */
  readonly tools: readonly string[];
}

/** A call of a task's function, which the worker finds by the goal of its plan and the task's id. */
export interface FunctionWork {
  readonly kind: 'function';
  readonly plan: string;
  /** The inputs in the encoding of `encodeValue`. */
  readonly inputs: Json;
  /** What the task attaches, in the same encoding; left out when that is nothing. */
  readonly attachments?: Json | undefined;
}

/** A call of a tool without a model. */
export interface ToolWork {
  readonly kind: 'tool';
  /** The name of the tool, which the worker has. */
  readonly tool: string;
  /** The input of the tool in the encoding of `encodeValue`. */
  readonly args: Json;
}

/** A command; only a worker with `commands` runs it. */
export interface CommandWork {
  readonly kind: 'command';
  readonly command: CommandCall;
}

/** The work of one attempt, as data. */
export type AttemptWork = RequestWork | FunctionWork | ToolWork | CommandWork;

/** What happens to an attempt, in this order: begun, any outputs and additions, one end. */
export type AttemptReport =
  | { readonly type: 'begun' }
  | { readonly type: 'output'; readonly part: OutputPart }
  | { readonly type: 'add_tasks'; readonly tasks: readonly Task[] }
  | { readonly type: 'approval'; readonly request: ApprovalRequest }
  | { readonly type: 'completed'; readonly result: AttemptResult }
  | { readonly type: 'failed'; readonly error: unknown };
