import type { Engine } from './engine.js';
import type { LaneWorker, LaneWorkerOptions } from './lane-worker.js';
import type { WorkerSettings } from './options.js';
import { Places } from './places.js';
import { resourcesIn } from './resource-queues.js';

/** How often an idle worker looks for jobs that nobody has announced, in seconds. */
const DRAIN_S = 1;
/** Results stay so long, in seconds, unless their run has them: runs may be resumed days later. */
const KEEP_S = 7 * 24 * 3_600;
/** How often attempts may be taken over from silent workers: one that kills its workers must end. */
const MAX_STALLED = 10;

/** What a process does with the jobs of its queues. */
export interface LaneEvents extends Pick<LaneWorkerOptions, 'process' | 'onLost'> {
  /** Called with each worker, before it takes a job. */
  readonly onWorker: (worker: LaneWorker) => void;
}

/** The queues that a process takes jobs from: the main one, and one for each capped resource. */
export class Lanes {
  readonly #engine: Engine;
  readonly #settings: WorkerSettings;
  readonly #events: LaneEvents;
  readonly #places: Places;
  readonly #workers = new Map<string, LaneWorker>();
  #isOpen = true;

  constructor(engine: Engine, settings: WorkerSettings, events: LaneEvents) {
    this.#engine = engine;
    this.#settings = settings;
    this.#events = events;
    this.#places = new Places(settings.concurrency);
  }

  /** Begins to take jobs of a resource; the empty one is the main queue. */
  serve(resource: string): void {
    if (this.#workers.has(resource)) return;
    const { concurrency, lockMs, name } = this.#settings;
    const { process, onLost, onWorker } = this.#events;
    const worker = this.#engine.worker(resource, {
      concurrency,
      // BullMQ takes whole milliseconds.
      lockDuration: Math.ceil(lockMs),
      // An announcement may be missed while a connection is made again.
      drainDelay: DRAIN_S,
      // Dead workers are noticed soon after their locks have ended.
      stalledInterval: Math.ceil(lockMs / 3),
      maxStalledCount: MAX_STALLED,
      removeOnComplete: { age: KEEP_S },
      removeOnFail: { age: KEEP_S },
      runRetryDelay: 500,
      places: this.#places,
      ...{ process, onLost },
      ...(name !== undefined && { name }),
    });
    onWorker(worker);
    this.#workers.set(resource, worker);
  }

  /** Looks for queues of resources that coordinators have capped. */
  async find(): Promise<void> {
    try {
      const meta = await this.#workers.get('')?.getBackend().getQueueMeta();
      if (meta !== undefined && this.#isOpen)
        for (const resource of resourcesIn(meta)) this.serve(resource);
    } catch (error) {
      this.#settings.onError(error as Error);
    }
  }

  /** Takes no more jobs. */
  async pause(): Promise<void> {
    this.#isOpen = false;
    await Promise.all([...this.#workers.values()].map((worker) => worker.pause(true)));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#workers.values()].map((worker) => worker.close()));
  }
}
