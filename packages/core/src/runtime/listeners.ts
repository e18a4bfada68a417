import type { PlanEvent } from '../contract/event.js';
import { isThenable } from '../util/promise.js';
import { EventStream } from './event-stream.js';

const MAX_ERRORS = 100;

/** Those who hear what happens in a run. What they throw is kept for the result, and changes nothing. */
export class Listeners {
  readonly stream: EventStream;
  /** What they threw; no more of it than is worth reading. */
  readonly errors: unknown[] = [];
  readonly #onEvent: ((event: PlanEvent) => void) | undefined;

  constructor(keep: boolean, onEvent: ((event: PlanEvent) => void) | undefined) {
    this.stream = new EventStream(keep);
    this.#onEvent = onEvent;
  }

  tell(event: PlanEvent): void {
    this.stream.push(event);
    if (this.#onEvent === undefined) return;
    try {
      const returned: unknown = this.#onEvent(event);
      if (isThenable(returned)) Promise.resolve(returned).catch((error) => this.#threw(error));
    } catch (error) {
      this.#threw(error);
    }
  }

  #threw(error: unknown): void {
    if (this.errors.length < MAX_ERRORS) this.errors.push(error);
  }
}
