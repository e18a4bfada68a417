import type { TaskOutput } from '@stratagem/core';
import { abortError } from '../util/abort.js';

/** A request that several attempts share. It is aborted once every attempt has been aborted. */
export class SharedFlight {
  readonly #controller = new AbortController();
  readonly #response: Promise<TaskOutput>;
  #waiting = 0;
  #isCharged = false;

  constructor(send: (signal: AbortSignal) => Promise<TaskOutput>) {
    this.#response = send(this.#controller.signal);
    // Every attempt may have been aborted, so a rejection may have no other handler.
    this.#response.catch(() => {});
  }

  /** Whether another attempt can join: the request was not aborted. */
  get isOpen(): boolean {
    return !this.#controller.signal.aborted;
  }

  /** Charges the caller for the request unless another attempt was charged. Returns whether it did. */
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
        reject(abortError(signal));
        if (--this.#waiting === 0) this.#controller.abort(signal.reason);
      };
    });
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([this.#response, left]);
    } finally {
      signal.removeEventListener('abort', leave);
      if (!signal.aborted) this.#waiting--;
    }
  }
}
