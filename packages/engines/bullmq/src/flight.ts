import type { ValueCodec } from '@stratagem/core';
import type { Json } from '@stratagem/core/journal';
import {
  type AttemptCall,
  type AttemptReport,
  decodeReport,
  type Tell,
} from '@stratagem/core/kernel';
import { Inbox } from './inbox.js';
import type { CoordinatorMessage } from './protocol.js';

/** An attempt in flight, as far as its coordinator knows. */
export class Flight {
  readonly call: AttemptCall;
  tell: Tell;
  readonly inbox = new Inbox();
  /** When it was started here, on a steady clock. */
  readonly startedAt: number;
  /** When something was last heard of it. */
  newsAt: number;
  lookedUpAt = 0;
  /** The channel of the worker that works on it. */
  worker: string | undefined;
  hasBegun = false;
  wasWarned = false;
  /** Reports that the run gets when it has read those before; undefined for an end that the queue has. */
  readonly waiting: (Json | undefined)[] = [];
  isWaiting = false;
  /** Decisions that have not arrived at the worker, by the key of the call. */
  readonly decisions = new Map<string, CoordinatorMessage>();
  readonly #codecs: readonly ValueCodec[];

  constructor(call: AttemptCall, tell: Tell, now: number, codecs: readonly ValueCodec[]) {
    this.call = call;
    this.tell = tell;
    this.startedAt = now;
    this.newsAt = now;
    this.#codecs = codecs;
  }

  /** The attempt is started again: reports go to the newest one that did so. */
  attach(tell: Tell): void {
    this.tell = tell;
    if (this.hasBegun) tell({ type: 'begun' });
  }

  heard(now: number, worker: string): void {
    this.newsAt = now;
    this.worker = worker;
  }

  /** What cannot be read has failed. */
  decode(data: Json): AttemptReport {
    try {
      return decodeReport(data, this.#codecs);
    } catch (error) {
      return { type: 'failed', error };
    }
  }
}
