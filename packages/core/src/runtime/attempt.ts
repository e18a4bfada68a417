import type { AttemptCall, FunctionWork, RequestWork, Tell } from '../contract/carrier.js';
import { type OutputPart, partOf } from '../contract/output-part.js';
import type { RunContext } from '../contract/run-context.js';
import { idempotencyKeyOf } from '../contract/run-id.js';
import type { TaskRequest } from '../contract/runner.js';
import type { Task } from '../contract/task.js';
import type { RequestTool } from '../contract/tool.js';
import type { Inputs } from '../state/inputs.js';

/** What a run knows about its attempts in flight. */
export interface AttemptHost {
  readonly runId: string;
  attemptsLeft(index: number, attempt: number): number;
  idleLimitOf(index: number): number | undefined;
  resourceOf(index: number): string;
  now(): number;
  inputsOf(index: number): Inputs;
  requestOf(index: number): TaskRequest;
  workOf(attempt: Attempt): RequestWork | FunctionWork;
}

/**
 * One attempt in flight: the call that a carrier is given and, in this process, the context that its
 * runner sees. Whatever most attempts never look at is made when it is first asked for.
 */
export class Attempt implements AttemptCall, RunContext {
  readonly taskId: string;
  readonly attempt: number;
  readonly timeLimitMs: number | undefined;
  readonly task: Task;
  /** Index of the task in the graph. */
  readonly index: number;
  /** Nothing it reports counts any more. */
  isOver = false;
  /** Place among the attempts of the carrier in this process. */
  slot = -1;
  tell!: Tell;

  readonly #host: AttemptHost;
  /** When it must be over, by the clock of the run; undefined without a limit. */
  readonly #deadline: number | undefined;
  #key: string | undefined;
  #request: TaskRequest | undefined;
  #controller: AbortController | undefined;
  #isAborted = false;
  #reason: unknown;

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
    this.taskId = task.id;
    this.index = command.index;
    this.attempt = command.attempt;
    this.#deadline = deadline;
    this.timeLimitMs = deadline === undefined ? undefined : Math.max(1, deadline - now);
    this.#host = host;
  }

  // --- The call ---

  get runId(): string {
    return this.#host.runId;
  }

  get key(): string {
    this.#key ??= idempotencyKeyOf(this.#host.runId, this.taskId, this.attempt);
    return this.#key;
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

  get idleLimitMs(): number | undefined {
    return this.#host.idleLimitOf(this.index);
  }

  get work(): RequestWork | FunctionWork {
    return this.#host.workOf(this);
  }

  get inputs(): Inputs {
    return this.#host.inputsOf(this.index);
  }

  /**
   * The request without tools, made once: the runner and the journal both ask for it.
   *
   * @throws {RunnerError} `invalid_input` when the prompt cannot be made.
   */
  get request(): TaskRequest {
    this.#request ??= this.#host.requestOf(this.index);
    return this.#request;
  }

  requestWith(tools: readonly RequestTool[]): TaskRequest {
    return tools.length === 0 ? this.request : { ...this.request, tools };
  }

  toJSON(): AttemptCall {
    const { key, runId, taskId, attempt, attemptsLeft, resource, priority, work } = this;
    const { timeLimitMs, idleLimitMs } = this;
    return {
      ...{ key, runId, taskId, attempt, attemptsLeft, resource, priority, work },
      ...(timeLimitMs !== undefined && { timeLimitMs }),
      ...(idleLimitMs !== undefined && { idleLimitMs }),
    };
  }

  // --- The context ---

  get idempotencyKey(): string {
    return this.key;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#isAborted) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  get remainingMs(): number | undefined {
    return this.#deadline && Math.max(0, this.#deadline - this.#host.now());
  }

  get emit(): RunContext['emit'] {
    return (part: string | OutputPart) => this.tell({ type: 'output', part: partOf(part) });
  }

  get addTasks(): RunContext['addTasks'] {
    return (tasks) => void this.tell({ type: 'add_tasks', tasks });
  }

  /** The first reason counts. */
  abort(reason: unknown): void {
    if (this.#isAborted) return;
    this.#isAborted = true;
    this.#reason = reason;
    this.#controller?.abort(reason);
  }
}
