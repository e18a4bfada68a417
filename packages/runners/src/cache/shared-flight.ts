import { RunnerError, type TaskOutput } from '@stratagem/core';

/**
 * One request that several attempts wait for. Each may leave; when all have, the request is stopped.
 */
export class SharedFlight {
  readonly #controller = new AbortController();
  readonly #answer: Promise<TaskOutput>;
  #waiting = 0;
  #isCharged = false;

  constructor(send: (signal: AbortSignal) => Promise<TaskOutput>) {
    this.#answer = send(this.#controller.signal);
    this.#answer.catch(() => {}); // All who wait for it may have left.
  }

  /** Whether it can be joined: nobody stopped it. */
  get isOpen(): boolean {
    return !this.#controller.signal.aborted;
  }

  /** Whether nobody has been charged for it so far; whoever asks is. */
  charge(): boolean {
    const isFirst = !this.#isCharged;
    this.#isCharged = true;
    return isFirst;
  }

  async join(signal: AbortSignal): Promise<TaskOutput> {
    this.#waiting++;
    let leave = () => {};
    const left = new Promise<never>((_, reject) => {
      leave = () => {
        const cause = signal.reason;
        reject(new RunnerError('aborted', 'the attempt was stopped', { cause }));
        if (--this.#waiting === 0) this.#controller.abort(cause);
      };
    });
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([this.#answer, left]);
    } finally {
      signal.removeEventListener('abort', leave);
      if (!signal.aborted) this.#waiting--;
    }
  }
}
