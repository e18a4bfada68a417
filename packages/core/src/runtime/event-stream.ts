import type { PlanEvent } from '../contract/event.js';
import type { EventLog } from '../state/event-log.js';
import { Floodgate } from '../util/gate.js';

/** More unread events than this, and those who make them are asked to wait. */
const MAX_UNREAD = 1_000;

/**
 * The published events of one run, for any number of iterators at their own pace. Where the timeline
 * is kept, they read it from the log; otherwise each has a queue of its own.
 */
export class EventStream {
  readonly #log: EventLog;
  readonly #isKept: boolean;
  readonly #readers = new Set<Reader>();
  /** Events of the log before this one are published. */
  #published = 0;
  #ended = false;
  readonly #gate = new Floodgate();

  constructor(log: EventLog, isKept: boolean) {
    this.#log = log;
    this.#isKept = isKept;
  }

  /** Whether anybody reads. */
  get hasReaders(): boolean {
    return this.#readers.size > 0;
  }

  /** Publishes the log up to a position. */
  publish(to: number): void {
    for (const reader of this.#readers) {
      for (let position = this.#published; !this.#isKept && position < to; position++) {
        reader.queue.push(this.#log.eventAt(position));
      }
      reader.wake();
    }
    this.#published = to;
  }

  /** Goes on at a position, without publishing: what is before it has been read, or is dropped. */
  continueAt(position: number): void {
    this.#published = position;
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
    if (this.#isKept || this.#ended || !this.#isBehind(MAX_UNREAD)) return undefined;
    return this.#gate.close();
  }

  /** All events kept so far, then those that follow, from this call on. */
  read(): AsyncGenerator<PlanEvent, void, undefined> {
    const reader = new Reader();
    this.#readers.add(reader);
    return this.#follow(reader);
  }

  async *#follow(reader: Reader): AsyncGenerator<PlanEvent, void, undefined> {
    reader.hasBegun = true;
    try {
      for (;;) {
        const event = this.#take(reader);
        if (this.#gate.isClosed && !this.#isBehind(MAX_UNREAD / 2)) this.#gate.open();
        if (event !== undefined) yield event;
        else if (this.#ended) return;
        else await reader.more();
      }
    } finally {
      this.#readers.delete(reader);
      if (this.#gate.isClosed && !this.#isBehind(MAX_UNREAD / 2)) this.#gate.open();
    }
  }

  #take(reader: Reader): PlanEvent | undefined {
    if (!this.#isKept) return reader.take();
    return reader.position < this.#published ? this.#log.eventAt(reader.position++) : undefined;
  }

  #isBehind(most: number): boolean {
    for (const reader of this.#readers) if (reader.unread > most) return true;
    return false;
  }
}

/** One iterator's place: a position in the log, or a queue of its own when the log is not kept. */
class Reader {
  position = 0;
  queue: PlanEvent[] = [];
  hasBegun = false;
  #wake: (() => void) | undefined;

  wake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  /** Events that wait for it; none before it has begun, as it may never do so. */
  get unread(): number {
    return this.hasBegun ? this.queue.length - this.position : 0;
  }

  take(): PlanEvent | undefined {
    const event = this.queue[this.position];
    if (event !== undefined) this.position++;
    else {
      this.queue = [];
      this.position = 0;
    }
    return event;
  }

  more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
