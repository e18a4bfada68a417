import type { PlanEvent } from '../contract/event.js';
import { Floodgate } from '../util/gate.js';

/** More unread events than this, and those who make them are asked to wait. */
const MOST_UNREAD = 1_000;

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
  readonly #gate = new Floodgate();

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
    this.#gate.open();
  }

  /**
   * A promise while a reader that has begun is far behind, so that whoever makes the events can
   * slow down; undefined otherwise. Where everything is kept anyway, nothing is gained by waiting.
   */
  pressure(): Promise<void> | undefined {
    if (this.#keep || this.#ended || !this.#isBehind(MOST_UNREAD)) return undefined;
    return this.#gate.close();
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
        if (this.#gate.isClosed && !this.#isBehind(MOST_UNREAD / 2)) this.#gate.open();
        if (event !== undefined) yield event;
        else if (this.#ended) return;
        else await reader.more();
      }
    } finally {
      this.#readers.delete(reader);
      if (this.#gate.isClosed && !this.#isBehind(MOST_UNREAD / 2)) this.#gate.open();
    }
  }

  #isBehind(most: number): boolean {
    for (const reader of this.#readers) if (reader.unread > most) return true;
    return false;
  }
}

/** One iterator's place: in the log that is kept, or in a queue of its own when none is. */
class Reader {
  #queue: PlanEvent[];
  readonly #own: boolean;
  #position = 0;
  #begun = false;
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

  /** Events that wait for it; none before it has begun, as it may never do so. */
  get unread(): number {
    return this.#begun ? this.#queue.length - this.#position : 0;
  }

  take(): PlanEvent | undefined {
    this.#begun = true;
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
