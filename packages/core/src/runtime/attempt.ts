import { type OutputPart, partOf } from '../contract/output-part.js';
import type { RunContext } from '../contract/run-context.js';
import { idempotencyKeyOf } from '../contract/run-id.js';
import type { Task } from '../contract/task.js';

/** What an attempt can do to its run. */
export interface AttemptHost {
  readonly runId: string;
  /** @returns A promise while the run, or those who read its events, are far behind. */
  report(attempt: Attempt, part: OutputPart): Promise<void> | undefined;
  addTasks(attempt: Attempt, tasks: readonly Task[]): void;
  attemptsLeft(attempt: Attempt): number;
}

/**
 * One attempt in flight, and the context its runner sees. The abort controller is made when the
 * signal is first asked for: most attempts never look.
 */
export class Attempt implements RunContext {
  readonly taskId: string;
  readonly attempt: number;
  readonly deadline: number | undefined;
  /** Position of the task in the plan. */
  readonly index: number;
  /** True once the kernel has been told, or has told us, that this attempt is over. */
  over = false;
  /** True once the kernel wants it no more, and may have started another one in its place. */
  aborted = false;

  readonly #host: AttemptHost;
  #controller: AbortController | undefined;
  #reason: unknown;

  constructor(taskId: string, { index, attempt, deadline }: StartedAttempt, host: AttemptHost) {
    this.index = index;
    this.taskId = taskId;
    this.attempt = attempt;
    this.deadline = deadline;
    this.#host = host;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.aborted) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  get idempotencyKey(): string {
    return idempotencyKeyOf(this.#host.runId, this.taskId, this.attempt);
  }

  get attemptsLeft(): number {
    return this.#host.attemptsLeft(this);
  }

  get emit(): RunContext['emit'] {
    return (part) => this.#host.report(this, partOf(part));
  }

  get addTasks(): RunContext['addTasks'] {
    return (tasks) => this.#host.addTasks(this, tasks);
  }

  abort(reason: unknown): void {
    this.over = true;
    this.aborted = true;
    this.#reason = reason;
    this.#controller?.abort(reason);
  }
}

/** What the kernel says of an attempt that is to start. */
export interface StartedAttempt {
  readonly index: number;
  readonly attempt: number;
  readonly deadline: number | undefined;
}
