import type { RunEvent } from '../contract/event.js';
import type { RunObserver } from '../contract/instrumentation.js';
import type { EventLog } from '../state/event-log.js';
import { isThenable } from '../util/promise.js';
import { EventStream } from './event-stream.js';
import type { RunSettings } from './settings.js';

const MAX_ERRORS = 100;

/** The listeners of a run. What they throw is kept for the result, and changes nothing. */
export class Listeners {
  readonly stream: EventStream;
  /** What listeners threw; no more of it than is worth reading. */
  readonly errors: unknown[] = [];
  readonly #log: EventLog;
  readonly #onEvent: ((event: RunEvent) => void) | undefined;
  readonly #wantsText: boolean;
  readonly #observer: RunObserver | undefined;

  constructor(
    log: EventLog,
    { timeline, onEvent, wantsText }: Pick<RunSettings, 'timeline' | 'onEvent' | 'wantsText'>,
    observer?: RunObserver,
  ) {
    this.#log = log;
    this.#onEvent = onEvent;
    this.#wantsText = wantsText;
    this.#observer = observer;
    this.stream = new EventStream(log, timeline === 'keep');
  }

  /** Whether nobody listens: then entries are published by setting `stream.published` alone. */
  get areSilent(): boolean {
    return this.#onEvent === undefined && this.#observer === undefined && !this.stream.hasReaders;
  }

  /** Publishes every entry of the log that has not been published. */
  publish(): void {
    const { length } = this.#log;
    const from = this.stream.published;
    if (from === length) return;
    this.stream.publish(length);
    if (this.#onEvent === undefined && this.#observer === undefined) return;
    for (let position = from; position < length; position++) {
      this.#notify(this.#log.eventAt(position));
    }
  }

  /** Leaves out what is before a position: it was published by another process, or is dropped. */
  continueAt(position: number): void {
    this.stream.published = position;
  }

  /** No more events follow. */
  end(): void {
    try {
      this.#observer?.end();
    } catch (error) {
      this.#keep(error);
    }
  }

  #notify(event: RunEvent): void {
    try {
      this.#observer?.onEvent(event);
    } catch (error) {
      this.#keep(error);
    }
    if (event.type === 'task_output' && !this.#wantsText) return;
    try {
      const returned: unknown = this.#onEvent?.(event);
      if (isThenable(returned)) Promise.resolve(returned).catch((error) => this.#keep(error));
    } catch (error) {
      this.#keep(error);
    }
  }

  #keep(error: unknown): void {
    if (this.errors.length < MAX_ERRORS) this.errors.push(error);
  }
}
