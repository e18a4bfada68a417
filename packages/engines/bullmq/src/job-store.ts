import type { AttemptCall } from '@stratagem/core/kernel';
import type { Engine } from './engine.js';
import type { CarrierSettings } from './options.js';
import { CANCELED, type JobData } from './protocol.js';
import { resourceField } from './resource-queues.js';

/** From here on, one statement for all jobs costs less than one for each. */
const MIN_BULK = 8;
/** The highest number that BullMQ takes as a priority. Lower ones go first. */
const MAX_PRIORITY = 2 ** 21 - 1;
const MIDDLE = 2 ** 20;
/** Priorities may have fractions. */
const PRIORITY_STEPS = 16;
const AT_ONCE = 16;

/** What has become of an attempt in the queue. */
export type Found =
  /** The queue does not have it. */
  | { readonly state: 'lost' }
  /** It waits, or a worker works on it. */
  | { readonly state: 'alive' }
  /** It has ended with this report, encoded as text. */
  | { readonly state: 'ended'; readonly result: string }
  /** The queue gave it up, because it was lost with several workers. */
  | { readonly state: 'given up'; readonly reason: string };

/** The jobs of attempts: adds them, looks them up, and removes them. */
export class JobStore {
  readonly #engine: Engine;
  readonly #settings: CarrierSettings;
  /** The channel of this coordinator. */
  readonly #channel: string;
  #added: AttemptCall[] = [];
  /** Jobs that are on their way, by key. */
  readonly #adding = new Map<string, Promise<void>>();
  readonly #removed: (readonly [key: string, resource: string])[] = [];
  #removing: Promise<void> | undefined;

  readonly #onKept: (key: string, resource: string) => void;

  /** @param onKept Called with a forgotten job that is still there: a crash of the server took its end. */
  constructor(
    engine: Engine,
    settings: CarrierSettings,
    channel: string,
    onKept: (key: string, resource: string) => void,
  ) {
    this.#engine = engine;
    this.#settings = settings;
    this.#channel = channel;
    this.#onKept = onKept;
  }

  /** Makes the caps known, to BullMQ and to the workers. */
  async setCaps(): Promise<void> {
    const main = this.#engine.queue();
    for (const [resource, cap] of this.#settings.caps) {
      await this.#engine.queue(resource).setGlobalConcurrency(cap);
      await main.getBackend().setQueueMeta({ [resourceField(resource)]: cap });
    }
  }

  /** Adds the job of an attempt, unless it is there. Those of one turn are added together. */
  add(call: AttemptCall): void {
    // A second one could arrive when the first one has ended and was removed: the attempt would begin again.
    if (this.#adding.has(call.key)) return;
    this.#adding.set(call.key, Promise.resolve());
    this.#added.push(call);
    if (this.#added.length === 1) queueMicrotask(() => this.#addAll());
  }

  #addAll(): void {
    const byLane = new Map<string, AttemptCall[]>();
    for (const call of this.#added) {
      const lane = this.#laneOf(call.resource);
      const calls = byLane.get(lane);
      if (calls === undefined) byLane.set(lane, [call]);
      else calls.push(call);
    }
    this.#added = [];
    for (const [lane, calls] of byLane) {
      // A sweep adds those again that did not arrive.
      const adding = this.#addTo(lane, calls)
        .catch(this.#settings.onError)
        .finally(() => {
          for (const { key } of calls) this.#adding.delete(key);
        });
      for (const { key } of calls) this.#adding.set(key, adding);
    }
  }

  async #addTo(resource: string, calls: readonly AttemptCall[]): Promise<void> {
    const queue = this.#engine.queue(resource);
    const jobs = calls.map((call) => ({
      name: call.taskId.slice(0, 200),
      data: { call: JSON.stringify(call), to: this.#channel } satisfies JobData,
      opts: { jobId: call.key, attempts: 1, priority: priorityOf(call.priority) },
    }));
    if (jobs.length >= MIN_BULK) await queue.addBulk(jobs);
    else await Promise.all(jobs.map(({ name, data, opts }) => queue.add(name, data, opts)));
  }

  /** @param resource The resource of the attempt, if it is known. */
  async find(key: string, resource?: string): Promise<Found> {
    const lanes = resource === undefined ? this.#lanes() : [this.#laneOf(resource)];
    for (const lane of lanes) {
      const queue = this.#engine.queue(lane);
      const state = await queue.getJobState(key);
      if (state === 'unknown') continue;
      if (state !== 'completed' && state !== 'failed') return { state: 'alive' };
      const job = await queue.getJob(key);
      if (job === undefined) continue;
      if (state === 'failed') return { state: 'given up', reason: job.failedReason };
      // One that was canceled never counts.
      if (job.returnvalue === CANCELED) {
        await queue.remove(key);
        return { state: 'lost' };
      }
      return { state: 'ended', result: job.returnvalue };
    }
    return { state: 'lost' };
  }

  /** Removes the job of an attempt, unless a worker has it. Returns whether it is gone. */
  async remove(key: string, resource?: string): Promise<boolean> {
    // Its job may be on its way.
    await null;
    await this.#adding.get(key);
    const lanes = resource === undefined ? this.#lanes() : [this.#laneOf(resource)];
    let isGone = true;
    for (const lane of lanes) {
      const queue = this.#engine.queue(lane);
      if ((await queue.getJobState(key)) === 'unknown') continue;
      if ((await queue.remove(key)) === 0) isGone = false;
    }
    return isGone;
  }

  /** Notes in the job of an attempt, which a worker has, that its end is recorded. */
  async markEnded(key: string, resource?: string): Promise<void> {
    const lanes = resource === undefined ? this.#lanes() : [this.#laneOf(resource)];
    for (const lane of lanes) {
      const job = await this.#engine.queue(lane).getJob(key);
      if (job !== undefined && job.data.hasEnded !== true) {
        await job.updateData({ ...job.data, hasEnded: true });
      }
    }
  }

  /** Removes the job of an attempt that has ended, at some time. */
  forget(key: string, resource: string): void {
    this.#removed.push([key, resource]);
    this.#removing ??= this.#removeAll();
  }

  /** Waits until forgotten jobs are removed. */
  async settle(): Promise<void> {
    await this.#removing;
  }

  async #removeAll(): Promise<void> {
    await null;
    while (this.#removed.length > 0) {
      const some = this.#removed.splice(0, AT_ONCE);
      await Promise.all(some.map(([key, resource]) => this.#removeEnded(key, resource)));
    }
    this.#removing = undefined;
  }

  async #removeEnded(key: string, resource: string): Promise<void> {
    try {
      // It may be on its way for the second time.
      await this.#adding.get(key);
      if ((await this.#engine.queue(this.#laneOf(resource)).remove(key)) > 0) return;
    } catch {
      // The next try reports it.
    }
    this.#onKept(key, resource);
  }

  #laneOf(resource: string): string {
    return this.#settings.caps.has(resource) ? resource : '';
  }

  #lanes(): string[] {
    return ['', ...this.#settings.caps.keys()];
  }
}

/** Higher goes first in a run, and lower in BullMQ; 0 would go before all others there. */
function priorityOf(priority: number): number {
  const steps = Math.round(priority * PRIORITY_STEPS);
  return Math.min(MAX_PRIORITY, Math.max(1, MIDDLE - steps));
}
