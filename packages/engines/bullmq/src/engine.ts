import { type BackendFactory, type IQueueBackend, Queue } from 'bullmq';
import type { Backend } from './backend.js';
import type { Bus } from './bus.js';
import { clockError } from './errors.js';
import { LaneWorker, type LaneWorkerOptions } from './lane-worker.js';
import { type EngineSettings, isPostgres, placeOf } from './options.js';
import { PostgresBackend } from './postgres-backend.js';
import type { JobData, JobResult } from './protocol.js';
import { RedisBackend } from './redis-backend.js';
import { resourceQueue } from './resource-queues.js';
import { within } from './within.js';

/** The queue of attempts, on either kind of server. */
export type AttemptQueue = Queue<
  JobData,
  JobResult,
  string,
  JobData,
  JobResult,
  string,
  IQueueBackend,
  unknown
>;

/** How long a server that is away may hold up the end. */
const CLOSE_MS = 2_000;
/** Longer than BullMQ blocks a connection. */
const SILENT_MS = 10_000;

/** The queues and the messages of one engine, as one process uses them. */
export class Engine {
  readonly bus: Bus;
  readonly #settings: EngineSettings;
  readonly #backend: Backend;
  /** By resource; the empty one is for all without a cap. */
  readonly #queues = new Map<string, AttemptQueue>();

  /**
   * Connects at the first use.
   *
   * @param silentMs After this time without an answer of the server, a connection is lost.
   */
  constructor(settings: EngineSettings, silentMs = SILENT_MS) {
    this.#settings = settings;
    const Kind = isPostgres(settings.url) ? PostgresBackend : RedisBackend;
    this.#backend = new Kind(settings, silentMs);
    this.bus = this.#backend.bus;
  }

  /** @throws {StratagemError} when the server cannot be used, with a remedy. */
  ready(): Promise<void> {
    return this.#backend.ready();
  }

  /** @throws {RunnerError} when locks of this duration would not hold, because clocks differ. */
  async requireClock(lockMs: number): Promise<void> {
    const aheadMs = await this.#backend.clockAheadMs();
    // Locks are renewed when half of their time is over, and another worker may differ as much.
    if (Math.abs(aheadMs) > lockMs / 4) throw clockError(aheadMs, placeOf(this.#settings.url));
  }

  queue(resource = ''): AttemptQueue {
    const there = this.#queues.get(resource);
    if (there !== undefined) return there;
    const queue: AttemptQueue = new Queue(
      resourceQueue(this.#settings.queue, resource),
      { connection: this.#backend.connection(false) },
      this.#backend.factory as BackendFactory<IQueueBackend, unknown>,
    );
    queue.on('error', this.#settings.onError);
    this.#queues.set(resource, queue);
    return queue;
  }

  worker(resource: string, options: Omit<LaneWorkerOptions, 'connection'>): LaneWorker {
    const worker = new LaneWorker(
      resourceQueue(this.#settings.queue, resource),
      // Reports of an end follow its record: otherwise, a crash could take the record alone, and another
      // worker would begin again what its run has completed.
      { ...options, connection: this.#backend.connection(true) },
      this.#backend.factory as BackendFactory<IQueueBackend, unknown>,
    );
    worker.on('error', this.#settings.onError);
    return worker;
  }

  async close(): Promise<void> {
    const closing = [...this.#queues.values()].map((queue) => queue.close());
    await within(CLOSE_MS, Promise.allSettled([this.bus.close(), ...closing]));
    await this.#backend.close();
  }
}
