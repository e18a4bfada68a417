import type { RunContext } from './context.js';

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

  readonly #report: (attempt: Attempt, text: string) => void;
  #controller: AbortController | undefined;
  #aborted: unknown;

  constructor(
    index: number,
    taskId: string,
    attempt: number,
    deadline: number | undefined,
    report: (attempt: Attempt, text: string) => void,
  ) {
    this.index = index;
    this.taskId = taskId;
    this.attempt = attempt;
    this.deadline = deadline;
    this.#report = report;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted);
    }
    return this.#controller.signal;
  }

  get emit(): (text: string) => void {
    return (text) => {
      if (typeof text !== 'string') throw new TypeError('emit() takes a piece of text');
      this.#report(this, text);
    };
  }

  abort(reason: unknown): void {
    this.over = true;
    this.#aborted = reason;
    this.#controller?.abort(reason);
  }
}
