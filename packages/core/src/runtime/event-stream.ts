import type { RunEvent } from '../contract/event.js';
import { Floodgate } from '../util/gate.js';

/** More unread events than this, and those who make them are asked to wait. */
const MAX_UNREAD = 1_000;

/** Where a stream reads its events. */
export interface EventSource {
  eventAt(position: number): RunEvent;
}

/**
 * The published events of a source, for any number of iterators at their own pace. Where the source
 * keeps its events, they read from there; otherwise each has a queue of its own.
 */
export class EventStream {
  readonly #source: EventSource;
  readonly #isKept: boolean;
  readonly #readers = new Set<Reader>();
  /** Events before this position are published, or are dropped. */
  published = 0;
  #ended = false;
  readonly #gate = new Floodgate();

  constructor(source: EventSource, isKept: boolean) {
    this.#source = source;
    this.#isKept = isKept;
  }

  get hasReaders(): boolean {
    return this.#readers.size > 0;
  }

  /** Publishes the source up to a position. */
  publish(to: number): void {
    for (const reader of this.#readers) {
      for (let position = this.published; !this.#isKept && position < to; position++) {
        reader.queue.push(this.#source.eventAt(position));
      }
      reader.wake();
    }
    this.published = to;
  }

  end(): void {
    this.#ended = true;
    for (const reader of this.#readers) reader.wake();
    this.#gate.open();
  }

  /**
   * A promise while a reader that has begun is far behind, so that the producer can
   * slow down; undefined otherwise. Where everything is kept anyway, nothing is gained by waiting.
   */
  pressure(): Promise<void> | undefined {
    if (this.#isKept || this.#ended || !this.#isBehind(MAX_UNREAD)) return undefined;
    return this.#gate.close();
  }

  /** All events kept so far, then those that follow, from this call on. */
  read(): AsyncGenerator<RunEvent, void, undefined> {
    const reader = new Reader();
    this.#readers.add(reader);
    return this.#follow(reader);
  }

  async *#follow(reader: Reader): AsyncGenerator<RunEvent, void, undefined> {
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

  #take(reader: Reader): RunEvent | undefined {
    if (!this.#isKept) return reader.take();
    return reader.position < this.published ? this.#source.eventAt(reader.position++) : undefined;
  }

  #isBehind(most: number): boolean {
    for (const reader of this.#readers) if (reader.unread > most) return true;
    return false;
  }
}

/**
 * Events that are pushed one by one, as a stream: for code that passes on the events of other runs.
 *
 * @example
 * const feed = new EventFeed(true);
 * const run = executor.execute(plan, { onEvent: (event) => feed.push(event) });
 * for await (const event of feed.read()) console.log(event.type);
 */
export class EventFeed implements EventSource {
  readonly #stream: EventStream;
  readonly #isKept: boolean;
  readonly #kept: RunEvent[] = [];
  #last: RunEvent | undefined;
  #count = 0;

  /** @param isKept Whether an iterator starts with the first event, whenever it begins. */
  constructor(isKept: boolean) {
    this.#isKept = isKept;
    this.#stream = new EventStream(this, isKept);
  }

  push(event: RunEvent): void {
    this.#last = event;
    if (this.#isKept) this.#kept.push(event);
    this.#stream.publish(++this.#count);
  }

  end(): void {
    this.#stream.end();
  }

  /** All events kept so far, then those that follow, from this call on. */
  read(): AsyncGenerator<RunEvent, void, undefined> {
    return this.#stream.read();
  }

  eventAt(position: number): RunEvent {
    return (this.#kept[position] ?? this.#last) as RunEvent;
  }
}

/** One iterator's place: a position in the source, or a queue of its own. */
class Reader {
  position = 0;
  queue: RunEvent[] = [];
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

  take(): RunEvent | undefined {
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
