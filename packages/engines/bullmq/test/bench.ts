import type { Plan } from '@stratagem/core';
import { type AttemptCall, type AttemptReport, encodeValue } from '@stratagem/core/kernel';
import type { BullmqCarrier } from '../src/index.js';
import {
  type AttemptWorker,
  type BullmqCarrierOptions,
  bullmqCarrier,
  type ServeAttemptsOptions,
  serveAttempts,
} from '../src/index.js';
import { newQueue } from './engines.js';

type Options<Kind> = Omit<Kind, 'url' | 'queue'> & { readonly url?: string };

/** Carriers and workers of one queue, which end with the test. */
export class Bench {
  readonly queue = newQueue();
  readonly #url: string;
  readonly #open: (() => Promise<void>)[] = [];
  #calls = 0;

  constructor(url: string) {
    this.#url = url;
  }

  carrier(options: Options<BullmqCarrierOptions> = {}): BullmqCarrier {
    const carrier = bullmqCarrier({ url: this.#url, queue: this.queue, ...options });
    this.#open.push(() => carrier.close());
    return carrier;
  }

  async worker(options: Options<ServeAttemptsOptions>): Promise<AttemptWorker> {
    const worker = await serveAttempts({ url: this.#url, queue: this.queue, ...options });
    this.#open.push(() => worker.stop());
    return worker;
  }

  /** Starts an attempt at a task of the plan "test". */
  start(carrier: BullmqCarrier, taskId: string, given: Partial<AttemptCall> = {}): Started {
    const call: AttemptCall = {
      key: `${this.queue}/${taskId}/${++this.#calls}`,
      ...{ runId: 'run', taskId, attempt: 1, attemptsLeft: 1, resource: 'test' },
      ...{ priority: 0, criticalPath: 1 },
      work: { kind: 'function', plan: 'test', inputs: encodeValue({}) },
      ...given,
    };
    const reports: AttemptReport[] = [];
    const ended = new Promise<AttemptReport>((resolve) => {
      carrier.start(call, (report) => {
        reports.push(report);
        if (report.type === 'completed' || report.type === 'failed') resolve(report);
        return undefined;
      });
    });
    return { call, reports, ended };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#open.reverse()) await close();
  }
}

interface Started {
  readonly call: AttemptCall;
  readonly reports: AttemptReport[];
  readonly ended: Promise<AttemptReport>;
}

/** The plan of these tasks. */
export function planOf(tasks: Plan['tasks']): Plan {
  return { goal: 'test', tasks };
}

/** A promise, and what resolves it. */
export function deferred<Value = void>() {
  let resolve: (value: Value) => void = () => {};
  const promise = new Promise<Value>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** Resolves when the condition holds: for what no event tells of. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((next) => setTimeout(next, 5));
}
