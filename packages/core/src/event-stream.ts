import type { PlanEvent } from './event.js';

/**
 * The events of one run, for those who listen: kept for the result or not, and read by any number
 * of iterators at their own pace.
 */
export class EventStream {
  /** Every event so far; stays empty when nothing is kept. */
  readonly kept: PlanEvent[] = [];
  readonly #keep: boolean;
  readonly #readers = new Set<Reader>();
  #ended = false;

  constructor(keep: boolean) {
    this.#keep = keep;
  }

  push(event: PlanEvent): void {
    if (this.#keep) this.kept.push(event);
    for (const reader of this.#readers) reader.push(event);
  }

  end(): void {
    this.#ended = true;
    for (const reader of this.#readers) reader.wake();
  }

  /** All events kept so far, then those that follow, from this call on. */
  read(): AsyncGenerator<PlanEvent, void, undefined> {
    const reader = new Reader(this.kept, !this.#keep);
    this.#readers.add(reader);
    return this.#follow(reader);
  }

  async *#follow(reader: Reader): AsyncGenerator<PlanEvent, void, undefined> {
    try {
      for (;;) {
        const event = reader.take();
        if (event !== undefined) yield event;
        else if (this.#ended) return;
        else await reader.more();
      }
    } finally {
      this.#readers.delete(reader);
    }
  }
}

/** One iterator's place: in the log that is kept, or in a queue of its own when none is. */
class Reader {
  #queue: PlanEvent[];
  readonly #own: boolean;
  #position = 0;
  #wake: (() => void) | undefined;

  constructor(kept: PlanEvent[], own: boolean) {
    this.#queue = own ? [] : kept;
    this.#own = own;
  }

  push(event: PlanEvent): void {
    if (this.#own) this.#queue.push(event);
    this.wake();
  }

  wake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  take(): PlanEvent | undefined {
    const event = this.#queue[this.#position];
    if (event !== undefined) this.#position++;
    else if (this.#own) {
      this.#queue = [];
      this.#position = 0;
    }
    return event;
  }

  more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
