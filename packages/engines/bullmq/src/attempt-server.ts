import type { InterruptOptions } from '@stratagem/core';
import {
  type AttemptCall,
  type AttemptCarrier,
  type AttemptReport,
  encodeReport,
  workerCarrier,
} from '@stratagem/core/kernel';
import { WaitingError } from 'bullmq';
import { Sender } from './bus.js';
import type { Engine } from './engine.js';
import type { AttemptJob, LaneWorker } from './lane-worker.js';
import type { WorkerSettings } from './options.js';
import { Outbox } from './outbox.js';
import { Places } from './places.js';
import {
  CANCELED,
  COORDINATORS,
  type CoordinatorMessage,
  type JobData,
  type JobResult,
  WORKERS,
  type WorkerMessage,
} from './protocol.js';
import { resourcesIn } from './resource-queues.js';
import { within } from './within.js';

/** How often to report that this worker is there, and to look for queues of resources. */
const BEAT_MS = 1_000;
/** How long messages about attempts that are not here are remembered: their jobs may be on their way. */
const NOTED_MS = 30_000;
/** How often an idle worker looks for jobs that nobody has announced, in seconds. */
const DRAIN_S = 1;
/** How long the last reports may take to arrive when the worker stops. */
const LAST_REPORTS_MS = 2_000;
/** How long a server that is away may hold up each step of the end. */
const CLOSE_MS = 2_000;
/** Results stay so long, in seconds, unless their run has them: runs may be resumed days later. */
const KEEP_S = 7 * 24 * 3_600;
/** How often attempts may be taken over from silent workers: one that kills its workers must end. */
const MAX_STALLED = 10;

interface Running {
  readonly job: AttemptJob;
  readonly token: string;
  readonly outbox: Outbox;
  /** When its lock was last renewed, on a steady clock. */
  renewedAt: number;
  /** Ends the job with a result, or without one if another worker is to take it. */
  readonly end: (result: JobResult | undefined) => void;
}

interface Cancellation {
  /** The channel of the coordinator. */
  readonly from: string;
  readonly at: number;
  readonly hasEnded: boolean;
}

/** The worker's end of the queue: takes jobs, carries out their attempts, and reports about them. */
export class AttemptServer {
  readonly #engine: Engine;
  readonly #settings: WorkerSettings;
  /** The channel of this worker. */
  readonly #channel: string;
  readonly #sender: Sender;
  readonly #carrier: AttemptCarrier;
  readonly #places: Places;
  readonly #workers = new Map<string, LaneWorker>();
  readonly #running = new Map<string, Running>();
  /** The reports of attempts, also of those that have ended and whose end has not arrived. */
  readonly #outboxes = new Map<string, Outbox>();
  /** The outbox of each try. */
  readonly #outboxOf = new WeakMap<AttemptJob, Outbox>();
  /** By key, the coordinators that have canceled attempts, and when. Another one may want them again. */
  readonly #canceled = new Map<string, Cancellation>();
  /** Where to report about attempts that have not begun here: their jobs may name a dead coordinator. */
  readonly #addresses = new Map<string, { readonly to: string; readonly at: number }>();
  #tries = 0;
  #timers: NodeJS.Timeout[] = [];
  /** When this process last ran its timers, on a steady clock. */
  #awakeAt = performance.now();
  #isStopping = false;
  #stopped: Promise<void> | undefined;
  #onIdle: () => void = () => {};

  /** @param carrier Carries out the attempts in this process. */
  constructor(
    engine: Engine,
    settings: WorkerSettings,
    channel: string,
    carrier: AttemptCarrier = workerCarrier(settings.work),
  ) {
    this.#engine = engine;
    this.#settings = settings;
    this.#channel = channel;
    this.#sender = new Sender(engine.bus, settings.onError);
    this.#carrier = carrier;
    this.#places = new Places(settings.concurrency);
  }

  get running(): readonly string[] {
    return [...this.#running.keys()];
  }

  async start(): Promise<void> {
    const take = (text: string) => this.#take(JSON.parse(text) as CoordinatorMessage);
    await this.#engine.bus.subscribe(WORKERS, take);
    await this.#engine.bus.subscribe(this.#channel, take);
    const { lockMs } = this.#settings;
    this.#timers = [
      setInterval(() => this.#beat(), BEAT_MS),
      setInterval(() => this.#guardLocks(), lockMs / 4),
    ];
    this.#serve('');
    await this.#findQueues();
    this.#beat();
  }

  stop(options: InterruptOptions): Promise<void> {
    this.#stopped ??= this.#stop(options);
    return this.#stopped;
  }

  // --- Queues ---

  #serve(resource: string): void {
    if (this.#workers.has(resource)) return;
    const { concurrency, lockMs, name } = this.#settings;
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
      process: (job, token) => this.#process(job, token),
      onLost: (job) => this.#lost(job),
      ...(name !== undefined && { name }),
    });
    worker.on('completed', (job, result) => this.#completed(job as AttemptJob, result));
    worker.on('locksRenewed', ({ jobIds }) => {
      for (const id of jobIds) {
        const running = this.#running.get(id);
        if (running !== undefined) running.renewedAt = performance.now();
      }
    });
    worker.on('lockRenewalFailed', (ids) => {
      for (const id of ids) this.#giveUp(id, 'another worker has taken the attempt over');
    });
    this.#workers.set(resource, worker);
  }

  async #findQueues(): Promise<void> {
    try {
      const meta = await this.#workers.get('')?.getBackend().getQueueMeta();
      if (meta !== undefined && !this.#isStopping)
        for (const resource of resourcesIn(meta)) this.#serve(resource);
    } catch (error) {
      this.#settings.onError(error as Error);
    }
  }

  // --- Attempts ---

  async #process(job: AttemptJob, token: string): Promise<JobResult> {
    const { call, to, hasEnded } = job.data as JobData;
    const key = job.id as string;
    // Another coordinator may have taken the run over since the job was added.
    const owner = this.#addresses.get(key)?.to ?? to;
    if (this.#isStopping) await this.#giveBack(job, token);
    if (this.#stoodStill(job)) await this.#requireLock(job, token);
    const canceled = this.#canceled.get(key);
    if (hasEnded || canceled?.hasEnded || canceled?.from === owner) return CANCELED;
    const now = performance.now();
    const name = `${this.#channel}.${++this.#tries}`;
    const outbox = new Outbox(name, owner, now, (channel, s, n, text) => {
      const head = JSON.stringify({ k: key, s, n, w: this.#channel });
      // The report is JSON already.
      const message = text === undefined ? head : `${head.slice(0, -1)},"r":${text}}`;
      this.#sender.send(channel, message);
    });
    this.#addresses.delete(key);
    this.#outboxes.set(key, outbox);
    this.#outboxOf.set(job, outbox);
    outbox.add({ type: 'begun' }, now);
    let running: Running | undefined;
    try {
      return await new Promise<JobResult>((resolve, reject) => {
        running = {
          ...{ job, token, outbox, renewedAt: now },
          end: (result) => (result === undefined ? reject(new WaitingError()) : resolve(result)),
        };
        this.#running.set(key, running);
        this.#start(JSON.parse(call) as AttemptCall, outbox, resolve);
      });
    } finally {
      if (this.#running.get(key) === running) this.#running.delete(key);
      if (this.#running.size === 0) this.#onIdle();
    }
  }

  #start(call: AttemptCall, outbox: Outbox, end: (result: JobResult) => void): void {
    const { codecs } = this.#settings.work;
    this.#carrier.start(call, (report: AttemptReport) => {
      try {
        const data = encodeReport(report, codecs);
        if (report.type !== 'completed' && report.type !== 'failed') {
          return outbox.add(data, performance.now());
        }
        end(JSON.stringify(data));
      } catch (error) {
        // What cannot be sent has failed.
        this.#carrier.cancel(call.key, error);
        end(JSON.stringify(encodeReport({ type: 'failed', error })));
      }
      return undefined;
    });
  }

  /** The queue has the result: no other worker can end this attempt. */
  #completed(job: AttemptJob, result: JobResult): void {
    const key = job.id as string;
    if (result === CANCELED) this.#outboxes.delete(key);
    else this.#outboxes.get(key)?.end(result, performance.now());
  }

  /** This try counts no more: its reports would take the place of those of the next one. */
  #lost(job: AttemptJob): void {
    const key = job.id as string;
    if (this.#outboxes.get(key) === this.#outboxOf.get(job)) this.#outboxes.delete(key);
  }

  /** Whether this process may have stood still since it took the job, so that its lock may have ended. */
  #stoodStill({ processedOn }: AttemptJob): boolean {
    const limitMs = this.#settings.lockMs / 2;
    const sinceTakenMs = Date.now() - (processedOn ?? 0);
    return performance.now() - this.#awakeAt > limitMs || Math.abs(sinceTakenMs) > limitMs;
  }

  async #requireLock(job: AttemptJob, token: string): Promise<void> {
    try {
      if ((await job.extendLock(token, Math.ceil(this.#settings.lockMs))) > 0) return;
    } catch {
      // It says the same.
    }
    throw new WaitingError();
  }

  async #giveBack(job: AttemptJob, token: string): Promise<never> {
    await job.moveToWait(token).catch(this.#settings.onError);
    throw new WaitingError();
  }

  /** Ends an attempt here, which another worker may begin. */
  #giveUp(key: string, reason: string): void {
    const running = this.#running.get(key);
    if (running === undefined) return;
    this.#carrier.cancel(key, new Error(reason));
    this.#outboxes.delete(key);
    running.end(undefined);
  }

  /** Without the server, the lock ends, and another worker begins the attempt: this one must end. */
  #guardLocks(): void {
    const now = performance.now();
    const { lockMs } = this.#settings;
    // After a pause the server is asked, by the next renewal.
    if (now - this.#awakeAt < lockMs) {
      for (const [key, { renewedAt }] of this.#running) {
        if (now - renewedAt > 2 * lockMs) this.#giveUp(key, 'the lock could not be renewed');
      }
    }
    this.#awakeAt = now;
  }

  // --- Messages ---

  #take(message: CoordinatorMessage): void {
    const now = performance.now();
    const outbox = this.#outboxes.get(message.k);
    switch (message.t) {
      case 'ack':
        outbox?.ack(message.s, message.n, now);
        if (outbox?.isDone(now)) this.#outboxes.delete(message.k);
        break;
      case 'attach':
        if (outbox === undefined) this.#addresses.set(message.k, { to: message.to, at: now });
        else outbox.attach(message.to, message.s, message.n ?? 0, now);
        break;
      case 'cancel':
        this.#cancel(message.k, {
          from: message.from,
          at: now,
          hasEnded: message.hasEnded === true,
        });
        break;
      case 'decide':
        if (outbox === undefined) break;
        outbox.decided(message.call);
        this.#send(outbox.to, { k: message.k, decided: message.call });
        this.#carrier.decide?.(message.k, message.call, message.decision);
    }
  }

  #cancel(key: string, cancellation: Cancellation): void {
    this.#canceled.set(key, cancellation);
    const running = this.#running.get(key);
    if (running === undefined) return;
    this.#carrier.cancel(key, new Error('the run does not want this attempt any more'));
    this.#outboxes.delete(key);
    running.end(CANCELED);
  }

  #beat(): void {
    const now = performance.now();
    for (const noted of [this.#canceled, this.#addresses]) {
      for (const [key, { at }] of noted) if (now - at > NOTED_MS) noted.delete(key);
    }
    for (const [key, outbox] of this.#outboxes) {
      outbox.tick(now);
      if (outbox.isDone(now)) this.#outboxes.delete(key);
    }
    const byCoordinator = new Map<string, string[]>();
    for (const [key, { outbox }] of this.#running) {
      const keys = byCoordinator.get(outbox.to);
      if (keys === undefined) byCoordinator.set(outbox.to, [key]);
      else keys.push(key);
    }
    for (const [to, beat] of byCoordinator) this.#send(to, { beat, w: this.#channel });
    if (this.#isStopping) return;
    this.#send(COORDINATORS, { hello: this.#channel });
    void this.#findQueues();
  }

  #send(to: string, message: WorkerMessage): void {
    this.#sender.send(to, JSON.stringify(message));
  }

  // --- The end ---

  async #stop({ drain = false, timeoutMs }: InterruptOptions): Promise<void> {
    this.#isStopping = true;
    const workers = [...this.#workers.values()];
    await Promise.all(workers.map((worker) => worker.pause(true)));
    if (drain) await this.#idle(timeoutMs);
    const given = Array.from(this.#running, ([key, running]) => this.#handBack(key, running));
    await within(CLOSE_MS, Promise.all(given));
    // A lock that is not renewed any more ends by itself.
    await within(CLOSE_MS, Promise.all(workers.map((worker) => worker.close())));
    const until = performance.now() + LAST_REPORTS_MS;
    while (this.#isReporting(performance.now()) && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    for (const timer of this.#timers) clearInterval(timer);
    this.#carrier.close();
    await within(CLOSE_MS, this.#sender.flush());
    await this.#engine.close();
  }

  #isReporting(now: number): boolean {
    return [...this.#outboxes.values()].some((outbox) => !outbox.isDone(now));
  }

  /** Waits until no attempt is under way. */
  async #idle(timeoutMs: number | undefined): Promise<void> {
    if (this.#running.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
      if (timeoutMs !== undefined) timer = setTimeout(resolve, timeoutMs);
    });
    clearTimeout(timer);
  }

  async #handBack(key: string, { job, token, end }: Running): Promise<void> {
    this.#carrier.cancel(key, new Error('the worker stops'));
    this.#outboxes.delete(key);
    await job.moveToWait(token).catch(this.#settings.onError);
    end(undefined);
  }
}
