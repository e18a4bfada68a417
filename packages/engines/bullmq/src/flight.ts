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

interface DeliverySteps {
  /** Gives a report to the run; returns a promise while the run is behind. */
  tell(report: Json): Promise<void> | undefined;
  /** The end was too long for a message. */
  lookUp(): void;
  /** The run has all reports. */
  done(): void;
}

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
  #wasWarned = false;
  /** Reports that the run gets when it has read those before; undefined for an end that the queue has. */
  readonly #waiting: (Json | undefined)[] = [];
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

  /** Gives reports to the run, in turn: it may ask to wait. */
  deliver(reports: readonly (Json | undefined)[], steps: DeliverySteps): void {
    this.#waiting.push(...reports);
    if (this.isWaiting) return;
    while (this.#waiting.length > 0) {
      const report = this.#waiting.shift();
      if (report === undefined) {
        steps.lookUp();
        return;
      }
      const pressure = steps.tell(report);
      if (pressure === undefined) continue;
      this.isWaiting = true;
      pressure.then(() => {
        this.isWaiting = false;
        this.deliver([], steps);
      });
      return;
    }
    steps.done();
  }

  /** Says once that nobody begins it. */
  warn(source: string): void {
    if (this.hasBegun || this.#wasWarned) return;
    this.#wasWarned = true;
    const message =
      'no worker listens: start one with `stratagem worker --engine URL`, or with serveAttempts()';
    this.tell({ type: 'output', part: { kind: 'notice', source, message } });
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
