import type { RequestAttachment } from '../contract/attachment.js';
import type { AttemptCall, AttemptReport, AttemptWork } from '../contract/carrier.js';
import { RunnerError, StratagemError } from '../contract/errors.js';
import type { AttemptName } from '../contract/instrumentation.js';
import type { Json } from '../contract/journal.js';
import { type OutputPart, partOf } from '../contract/output-part.js';
import type { TaskFailure } from '../contract/run-after.js';
import { type AbortListener, ON_ABORT, type RunContext } from '../contract/run-context.js';
import { idempotencyKeyOf } from '../contract/run-id.js';
import type { AttemptResult, TaskRequest, TaskRunner } from '../contract/runner.js';
import type { Surround, TraceContext } from '../contract/surround.js';
import type { Task } from '../contract/task.js';
import type { RecordedToolResult, RequestTool } from '../contract/tool.js';
import type { ApprovalDecision, ApprovalRequest } from '../contract/tool-approval.js';
import type { Inputs } from '../state/inputs.js';
import type { Step } from '../state/step.js';
import { ApprovalWaits } from './approval-waits.js';
import type { StreamedSecrets } from './streamed-secrets.js';

/** A promise where there is only WebCrypto; undefined where the content says nothing about the output. */
export type ContentKey = string | undefined | Promise<string | undefined>;

/** What a run knows about its attempts in flight. */
export interface AttemptHost {
  readonly runId: string;
  attemptsLeft(index: number, attempt: number): number;
  idleLimitOf(index: number): number | undefined;
  resourceOf(index: number): string;
  wantsText(index: number): boolean;
  criticalPathOf(index: number): number;
  now(): number;
  inputsOf(index: number): Inputs;
  failuresBefore(index: number): readonly TaskFailure[];
  toolResultOf(index: number, key: string): RecordedToolResult | undefined;
  toolResultsOf(index: number): readonly RecordedToolResult[];
  encode(value: unknown): Json;
  requestOf(index: number, attachments: readonly RequestAttachment[] | undefined): TaskRequest;
  stepOf(index: number): Step;
  workOf(attempt: Attempt): AttemptWork;
  traceOf(attempt: Attempt): TraceContext | undefined;
  surroundOf(attempt: Attempt): Surround | undefined;
  /** Takes the values of secret inputs out of a value; undefined where there are none. */
  readonly hide: AttemptName['hide'];
  /** Takes its output, which ends it. */
  complete(attempt: Attempt, result: AttemptResult): void;
  /** Takes any other report. */
  receive(attempt: Attempt, report: AttemptReport): Promise<void> | undefined;
}

/** Takes what an attempt in this process has ended with. */
export interface ResultHost {
  complete(attempt: object, result: AttemptResult): void;
}

/**
 * One attempt in flight: the call that a carrier is given and, in this process, the context that its
 * runner sees. Whatever most attempts never look at is made when it is first asked for.
 */
export class Attempt implements AttemptCall, RunContext {
  readonly task: Task;
  /** Index of the task in the graph. */
  readonly index: number;
  readonly attempt: number;
  readonly timeLimitMs: number | undefined;
  /** Nothing it reports counts any more. */
  isOver = false;
  /** What streams, in a run with secrets. */
  streamed: StreamedSecrets | undefined = undefined;
  /** Whether its work is under way in this process, and not aborted. */
  isAwaited = false;
  /** The runner that works on it in this process; undefined for a function, a tool or a command. */
  runner: TaskRunner | undefined = undefined;
  /** Where its output will be found again, if that was asked before it started. */
  contentKey: ContentKey = undefined;

  #host: AttemptHost;
  /** When it must be over, by the clock of the run; undefined without a limit. */
  readonly #deadline: number | undefined;
  /** Made when something of it is asked for. */
  #details: Details | undefined;

  constructor(
    task: Task,
    command: {
      readonly index: number;
      readonly attempt: number;
      readonly deadline: number | undefined;
    },
    now: number,
    host: AttemptHost,
  ) {
    const { deadline } = command;
    this.task = task;
    this.index = command.index;
    this.attempt = command.attempt;
    this.#deadline = deadline;
    this.timeLimitMs = deadline === undefined ? undefined : Math.max(1, deadline - now);
    this.#host = host;
  }

  get #made(): Details {
    this.#details ??= new Details();
    return this.#details;
  }

  // --- The call ---

  get taskId(): string {
    return this.task.id;
  }

  get runId(): string {
    return this.#host.runId;
  }

  get key(): string {
    const details = this.#made;
    details.key ??= idempotencyKeyOf(this.#host.runId, this.task.id, this.attempt);
    return details.key;
  }

  get attemptsLeft(): number {
    return this.#host.attemptsLeft(this.index, this.attempt);
  }

  get resource(): string {
    return this.#host.resourceOf(this.index);
  }

  get priority(): number {
    return this.task.priority ?? 0;
  }

  get criticalPath(): number {
    return this.#host.criticalPathOf(this.index);
  }

  get idleLimitMs(): number | undefined {
    return this.#host.idleLimitOf(this.index);
  }

  get wantsText(): boolean {
    return this.#host.wantsText(this.index);
  }

  get work(): AttemptWork {
    return this.#host.workOf(this);
  }

  get trace(): TraceContext | undefined {
    return this.#host.traceOf(this);
  }

  get hasSecrets(): boolean {
    return this.hide !== undefined;
  }

  get hide(): AttemptName['hide'] {
    return this.#host.hide;
  }

  get inputs(): Inputs {
    return this.#host.inputsOf(this.index);
  }

  get failures(): readonly TaskFailure[] {
    const details = this.#made;
    details.failures ??= this.#host.failuresBefore(this.index);
    return details.failures;
  }

  /** What the task attaches, for its function. */
  get attachments(): readonly RequestAttachment[] | undefined {
    return this.#details?.attachments;
  }

  set attachments(attachments: readonly RequestAttachment[] | undefined) {
    this.#made.attachments = attachments;
  }

  /**
   * The request without tools, made once: the runner and the journal both ask for it.
   *
   * @throws {RunnerError} `invalid_input` when the prompt cannot be made.
   */
  get request(): TaskRequest {
    const details = this.#made;
    details.request ??= this.#host.requestOf(this.index, details.attachments);
    return details.request;
  }

  /**
   * The call of a tool or the command of the task, made once: the worker and the journal both ask for it.
   *
   * @throws {RunnerError} `invalid_input` when its references cannot be filled in.
   */
  get step(): Step {
    const details = this.#made;
    details.step ??= this.#host.stepOf(this.index);
    return details.step;
  }

  requestWith(tools: readonly RequestTool[]): TaskRequest {
    return tools.length === 0 ? this.request : { ...this.request, tools };
  }

  toJSON(): AttemptCall {
    const { key, runId, taskId, attempt, attemptsLeft, resource, priority, work } = this;
    const { timeLimitMs, idleLimitMs, criticalPath, failures, trace, hasSecrets } = this;
    const { toolResults } = this;
    return {
      criticalPath,
      ...{ key, runId, taskId, attempt, attemptsLeft, resource, priority, work },
      ...(timeLimitMs !== undefined && { timeLimitMs }),
      ...(idleLimitMs !== undefined && { idleLimitMs }),
      ...(!this.wantsText && { wantsText: false }),
      ...(failures.length > 0 && { failures }),
      ...(trace !== undefined && { trace }),
      ...(hasSecrets && { hasSecrets }),
      ...(toolResults !== undefined && { toolResults }),
    };
  }

  /** The results of its tool calls from before it was started again. */
  get toolResults(): Json | undefined {
    const results = this.#host.toolResultsOf(this.index);
    return results.length === 0 ? undefined : this.#host.encode(results);
  }

  toolResult(key: string): RecordedToolResult | undefined {
    return this.#host.toolResultOf(this.index, key);
  }

  // --- Its reports ---

  /** What takes them: its run or, once that has given it up, nobody. */
  get host(): ResultHost {
    return this.#host;
  }

  tell(report: AttemptReport): Promise<void> | undefined {
    return this.#host.receive(this, report);
  }

  // --- The context ---

  get idempotencyKey(): string {
    return this.key;
  }

  get signal(): AbortSignal {
    const details = this.#made;
    if (details.controller === undefined) {
      details.controller = new AbortController();
      if (details.isAborted) details.controller.abort(details.reason);
    }
    return details.controller.signal;
  }

  [ON_ABORT](listener: AbortListener): () => void {
    const details = this.#made;
    if (details.isAborted) listener(details.reason);
    else {
      details.listeners ??= new Set();
      details.listeners.add(listener);
    }
    return () => details.listeners?.delete(listener);
  }

  get remainingMs(): number | undefined {
    return this.#deadline && Math.max(0, this.#deadline + this.waitedMs - this.#host.now());
  }

  get waitedMs(): number {
    return this.#details?.waits?.waitedMs(this.#host.now()) ?? 0;
  }

  /** Asks a human whether the attempt may call a tool. */
  askApproval(request: ApprovalRequest): Promise<ApprovalDecision> {
    const details = this.#made;
    details.waits ??= new ApprovalWaits();
    const decided = details.waits.wait(request.key, this.#host.now());
    this.tell({ type: 'approval', request });
    return decided;
  }

  decide(key: string, decision: ApprovalDecision): void {
    this.#details?.waits?.decide(key, decision, this.#host.now());
  }

  get surround(): Surround | undefined {
    return this.#host.surroundOf(this);
  }

  get emit(): RunContext['emit'] {
    return (part: string | OutputPart) => this.tell({ type: 'output', part: partOf(part) });
  }

  get addTasks(): RunContext['addTasks'] {
    return (tasks) => void this.tell({ type: 'add_tasks', tasks });
  }

  /**
   * Cuts the attempt off from its run, which has given it up: work that never ends would keep the whole
   * run in memory. What its context says stays the same.
   */
  release(): void {
    const { runId, key, attemptsLeft, resource, criticalPath, idleLimitMs, failures } = this;
    const { surround, hide } = this;
    const details = this.#made;
    details.key = key;
    // Until an error's stack is asked for, the engine keeps the receivers of its calls.
    if (details.reason instanceof Error) void details.reason.stack;
    const ahead = this.#host.now() - performance.now();
    this.#host = {
      runId,
      now: () => performance.now() + ahead,
      attemptsLeft: () => attemptsLeft,
      resourceOf: () => resource,
      wantsText: () => false,
      criticalPathOf: () => criticalPath,
      idleLimitOf: () => idleLimitMs,
      inputsOf: released,
      failuresBefore: () => failures,
      toolResultOf: () => undefined,
      toolResultsOf: () => [],
      encode: released,
      requestOf: released,
      stepOf: released,
      workOf: released,
      traceOf: () => undefined,
      hide,
      surroundOf: () => surround,
      complete: () => {},
      receive: takeReleased,
    };
  }

  /** The first reason counts. */
  abort(reason: unknown): void {
    const details = this.#made;
    if (details.isAborted) return;
    details.isAborted = true;
    details.reason = reason;
    details.controller?.abort(reason);
    for (const listener of details.listeners ?? []) listener(reason);
    details.listeners = undefined;
  }
}

function takeReleased(_: Attempt, { type }: AttemptReport): undefined {
  if (type !== 'add_tasks') return undefined;
  const message = 'addTasks(): it is over, nothing can be added any more';
  throw new StratagemError('run_ended', message);
}

function released(): never {
  throw new RunnerError('aborted', 'the run has given this attempt up');
}

/** What most attempts never need. */
class Details {
  key: string | undefined = undefined;
  request: TaskRequest | undefined = undefined;
  step: Step | undefined = undefined;
  attachments: readonly RequestAttachment[] | undefined = undefined;
  failures: readonly TaskFailure[] | undefined = undefined;
  controller: AbortController | undefined = undefined;
  listeners: Set<AbortListener> | undefined = undefined;
  waits: ApprovalWaits | undefined = undefined;
  isAborted = false;
  reason: unknown = undefined;
}
