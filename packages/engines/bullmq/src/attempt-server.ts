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
import { Lanes } from './lanes.js';
import type { WorkerSettings } from './options.js';
import { Outbox } from './outbox.js';
import {
  CANCELED,
  COORDINATORS,
  type CoordinatorMessage,
  type JobData,
  type JobResult,
  WORKERS,
  type WorkerMessage,
} from './protocol.js';
import { within } from './within.js';
import { type Cancellation, WorkerNotes } from './worker-notes.js';

/** How often to report that this worker is there, and to look for queues of resources. */
const BEAT_MS = 1_000;
/** How long the last reports may take to arrive when the worker stops. */
const LAST_REPORTS_MS = 2_000;
/** How long a server that is away may hold up each step of the end. */
const CLOSE_MS = 2_000;

interface Running {
  readonly job: AttemptJob;
  readonly token: string;
  readonly outbox: Outbox;
  /** When its lock was last renewed, on a steady clock. */
  renewedAt: number;
  /** Ends the job with a result, or without one if another worker is to take it. */
  readonly end: (result: JobResult | undefined) => void;
}

/** The worker's end of the queue: takes jobs, carries out their attempts, and reports about them. */
export class AttemptServer {
  readonly #engine: Engine;
  readonly #settings: WorkerSettings;
  /** The channel of this worker. */
  readonly #channel: string;
  readonly #sender: Sender;
  readonly #carrier: AttemptCarrier;
  readonly #lanes: Lanes;
  readonly #notes = new WorkerNotes();
  readonly #running = new Map<string, Running>();
  /** The reports of attempts, also of those that have ended and whose end has not arrived. */
  readonly #outboxes = new Map<string, Outbox>();
  /** The outbox of each try. */
  readonly #outboxOf = new WeakMap<AttemptJob, Outbox>();
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
    this.#lanes = new Lanes(engine, settings, {
      process: (job, token) => this.#process(job, token),
      onLost: (job) => this.#lost(job),
      onWorker: (worker) => this.#listen(worker),
    });
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
    this.#lanes.serve('');
    await this.#lanes.find();
    this.#beat();
  }

  stop(options: InterruptOptions): Promise<void> {
    this.#stopped ??= this.#stop(options);
    return this.#stopped;
  }

  #listen(worker: LaneWorker): void {
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
  }

  // --- Attempts ---

  async #process(job: AttemptJob, token: string): Promise<JobResult> {
    const data = job.data as JobData;
    const key = job.id as string;
    if (this.#isStopping) await this.#giveBack(job, token);
    if (this.#stoodStill(job)) await this.#requireLock(job, token);
    if (this.#notes.isUnwanted(key, data)) return CANCELED;
    const now = performance.now();
    const name = `${this.#channel}.${++this.#tries}`;
    const outbox = new Outbox(name, this.#notes.ownerOf(key, data), now, (channel, s, n, text) => {
      const head = JSON.stringify({ k: key, s, n, w: this.#channel });
      // The report is JSON already.
      const message = text === undefined ? head : `${head.slice(0, -1)},"r":${text}}`;
      this.#sender.send(channel, message);
    });
    this.#notes.begin(key);
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
        this.#start(JSON.parse(data.call) as AttemptCall, outbox, resolve);
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
        if (outbox === undefined) this.#notes.attach(message.k, message.to, now);
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
    this.#notes.cancel(key, cancellation);
    const running = this.#running.get(key);
    if (running === undefined) return;
    this.#carrier.cancel(key, new Error('the run does not want this attempt any more'));
    this.#outboxes.delete(key);
    running.end(CANCELED);
  }

  #beat(): void {
    const now = performance.now();
    this.#notes.forgetOld(now);
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
    void this.#lanes.find();
  }

  #send(to: string, message: WorkerMessage): void {
    this.#sender.send(to, JSON.stringify(message));
  }

  // --- The end ---

  async #stop({ drain = false, timeoutMs }: InterruptOptions): Promise<void> {
    this.#isStopping = true;
    await this.#lanes.pause();
    if (drain) await this.#idle(timeoutMs);
    const given = Array.from(this.#running, ([key, running]) => this.#handBack(key, running));
    await within(CLOSE_MS, Promise.all(given));
    // A lock that is not renewed any more ends by itself.
    await within(CLOSE_MS, this.#lanes.close());
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
