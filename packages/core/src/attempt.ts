import type { RunContext } from './context.js';
import type { Task } from './task.js';

/** What an attempt can do to its run. */
export interface AttemptHost {
  report(attempt: Attempt, text: string): void;
  addTasks(attempt: Attempt, tasks: readonly Task[]): void;
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

  constructor(
    index: number,
    taskId: string,
    attempt: number,
    deadline: number | undefined,
    host: AttemptHost,
  ) {
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

  get emit(): (text: string) => void {
    return (text) => {
      if (typeof text !== 'string') throw new TypeError('emit() takes a piece of text');
      this.#host.report(this, text);
    };
  }

  get addTasks(): (tasks: readonly Task[]) => void {
    return (tasks) => this.#host.addTasks(this, tasks);
  }

  abort(reason: unknown): void {
    this.over = true;
    this.aborted = true;
    this.#reason = reason;
    this.#controller?.abort(reason);
  }
}
