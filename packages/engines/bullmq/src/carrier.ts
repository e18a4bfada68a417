import { randomUUID } from 'node:crypto';
import { RunnerError } from '@stratagem/core';
import type { Json } from '@stratagem/core/journal';
import type { AttemptCall, AttemptCarrier, AttemptReport, Tell } from '@stratagem/core/kernel';
import { Sender } from './bus.js';
import { Cancellations } from './cancellations.js';
import { eachAtOnce } from './each-at-once.js';
import type { Engine } from './engine.js';
import { Flight } from './flight.js';
import { type Found, JobStore } from './job-store.js';
import type { CarrierSettings } from './options.js';
import {
  COORDINATORS,
  type CoordinatorMessage,
  type Decision,
  WORKERS,
  type WorkerMessage,
} from './protocol.js';
import { retrying } from './retrying.js';
import { within } from './within.js';

/** How many attempts are looked up in the queue at once, and in one sweep. */
const LOOKUPS = 16;
const MAX_LOOKUPS = 400;
/** An attempt without news for so long is looked up. */
const QUIET_MS = 2_000;
/** After this time without a sign of any worker, attempts that wait say so. */
const NO_WORKER_MS = 3_500;
/** How long a server that is away may hold up the end. */
const CLOSE_MS = 2_000;
/** How long to try again while the server is away. */
const RECONNECT_MS = 30_000;

/** The coordinator's end of the queue: adds jobs, takes the reports about them, and finds what is lost. */
export class QueueCarrier implements AttemptCarrier {
  readonly name = 'bullmq';
  readonly beginsLater = true;
  readonly #engine: Engine;
  readonly #settings: CarrierSettings;
  readonly #channel = `coordinator ${randomUUID()}`;
  readonly #sender: Sender;
  readonly #jobs: JobStore;
  readonly #cancellations: Cancellations;
  readonly #flights = new Map<string, Flight>();
  /** Attempts that another process looks after now, or will. */
  readonly #detached = new Set<string>();
  /** Attempts of a process before this one that the queue still has. */
  readonly #found = new Set<string>();
  /** The resources of attempts that have ended and are not forgotten. */
  readonly #ended = new Map<string, string>();
  #opened: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sweeping: Promise<void> | undefined;
  /** When a worker last said that it is there. */
  #workerAt = 0;
  #closed: Promise<void> | undefined;

  constructor(engine: Engine, settings: CarrierSettings) {
    this.#engine = engine;
    this.#settings = settings;
    this.#sender = new Sender(engine.bus, settings.onError);
    // A worker must not begin again what has ended.
    this.#jobs = new JobStore(engine, settings, this.#channel, (key, resource) =>
      this.#cancellations.add(key, resource, performance.now(), true),
    );
    this.#cancellations = new Cancellations(this.#jobs, (key, hasEnded) =>
      this.#send(WORKERS, {
        ...{ t: 'cancel', k: key, from: this.#channel },
        ...(hasEnded && { hasEnded }),
      }),
    );
  }

  /** Connects. Rejects with a `RunnerError` when the server cannot be used. */
  ready(): Promise<void> {
    if (this.#opened === undefined) {
      const opened = this.#open();
      this.#opened = opened;
      // The next sweep tries again.
      opened.catch(() => {
        if (this.#opened === opened) this.#opened = undefined;
      });
    }
    return this.#opened;
  }

  async #open(): Promise<void> {
    await this.#engine.ready();
    const take = (text: string) => this.#take(JSON.parse(text) as WorkerMessage);
    await this.#engine.bus.subscribe(this.#channel, take);
    await this.#engine.bus.subscribe(COORDINATORS, take);
    await this.#jobs.setCaps();
    this.#workerAt = performance.now();
  }

  // --- What runs ask for ---

  start(call: AttemptCall, tell: Tell): void {
    const { key } = call;
    const there = this.#flights.get(key);
    if (there !== undefined) {
      there.attach(tell);
      return;
    }
    this.#detached.delete(key);
    this.#cancellations.delete(key);
    const flight = new Flight(call, tell, performance.now(), this.#settings.codecs);
    this.#flights.set(key, flight);
    this.#timer ??= setInterval(() => this.#sweep(), this.#settings.sweepMs);
    const isFound = this.#found.delete(key);
    this.ready().then(
      () => {
        if (this.#flights.get(key) !== flight) return;
        if (!isFound) this.#jobs.add(call);
        else {
          this.#attach(flight);
          this.#lookUp(flight).catch(this.#settings.onError);
        }
      },
      (error) => this.#settings.onError(error),
    );
  }

  cancel(key: string): void {
    const resource = this.#flights.get(key)?.call.resource;
    this.#flights.delete(key);
    this.#found.delete(key);
    this.ready().then(
      () => this.#cancellations.add(key, resource, performance.now()),
      (error) => this.#settings.onError(error),
    );
  }

  decide(key: string, callKey: string, decision: Decision): void {
    const flight = this.#flights.get(key);
    if (flight === undefined) return;
    const message: CoordinatorMessage = { t: 'decide', k: key, call: callKey, decision };
    flight.decisions.set(callKey, message);
    this.#send(flight.worker ?? WORKERS, message);
  }

  detach(key: string): void {
    this.#flights.delete(key);
    this.#ended.delete(key);
    this.#detached.add(key);
  }

  forget(key: string): void {
    const resource = this.#ended.get(key);
    if (resource === undefined) return;
    this.#ended.delete(key);
    this.#jobs.forget(key, resource);
  }

  /** The answer is worth waiting for: without it, its run could not continue. */
  alive(keys: readonly string[]): Promise<ReadonlySet<string>> {
    const isOpen = () => this.#closed === undefined;
    return retrying(() => this.#aliveOf(keys), RECONNECT_MS, isOpen);
  }

  async #aliveOf(keys: readonly string[]): Promise<ReadonlySet<string>> {
    await this.ready();
    const alive = new Set<string>();
    await eachAtOnce(keys, LOOKUPS, async (key) => {
      const isInFlight = this.#flights.has(key);
      if (!isInFlight) {
        const { state } = await this.#jobs.find(key);
        if (state === 'lost') return;
        this.#found.add(key);
      }
      alive.add(key);
    });
    return alive;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer);
    for (const key of [...this.#flights.keys()]) this.cancel(key);
    await within(CLOSE_MS, this.#lastWork());
    await this.#engine.close();
  }

  async #lastWork(): Promise<void> {
    await this.#opened?.catch(() => {});
    await this.#sweeping;
    await this.#cancellations.settle();
    await this.#jobs.settle();
    await this.#sender.flush();
  }

  // --- What workers report ---

  #take(message: WorkerMessage): void {
    const now = performance.now();
    this.#workerAt = now;
    if ('hello' in message) return;
    if ('beat' in message) {
      for (const key of message.beat) this.#flights.get(key)?.heard(now, message.w);
      return;
    }
    const flight = this.#flights.get(message.k);
    if ('decided' in message) {
      flight?.decisions.delete(message.decided);
      return;
    }
    const { k: key, s: session, n, w: worker } = message;
    if (flight === undefined) {
      // Its end is known here: the worker need not keep it.
      const all = Number.MAX_SAFE_INTEGER;
      if (!this.#detached.has(key)) this.#send(worker, { t: 'ack', k: key, s: session, n: all });
      return;
    }
    flight.heard(now, worker);
    const next = flight.inbox.take(session, n, message.r);
    // Its beginning was missed.
    if (next === undefined || flight.inbox.hasGap) this.#attach(flight);
    if (next === undefined) return;
    if (next.length > 0) this.#deliver(flight, next);
    else this.#ack(flight);
  }

  #deliver(flight: Flight, reports: readonly (Json | undefined)[]): void {
    flight.deliver(reports, {
      tell: (report) => this.#tell(flight, report),
      // The queue has the end.
      lookUp: () => void this.#lookUp(flight).catch(this.#settings.onError),
      done: () => this.#ack(flight),
    });
  }

  #tell(flight: Flight, data: Json): Promise<void> | undefined {
    if (this.#flights.get(flight.call.key) !== flight) return undefined;
    const report = flight.decode(data);
    if (report.type === 'completed' || report.type === 'failed') {
      this.#end(flight, report);
      return undefined;
    }
    if (report.type === 'begun') flight.hasBegun = true;
    return flight.tell(report);
  }

  #end(flight: Flight, report: AttemptReport): void {
    const { key, resource } = flight.call;
    if (this.#flights.get(key) !== flight) return;
    this.#flights.delete(key);
    this.#ended.set(key, resource);
    this.#begin(flight);
    flight.tell(report);
  }

  /** An end may arrive before the report that the attempt has begun. */
  #begin(flight: Flight): void {
    if (flight.hasBegun) return;
    flight.hasBegun = true;
    flight.tell({ type: 'begun' });
  }

  #ack({ inbox, worker, call, isWaiting }: Flight): void {
    const { session, delivered } = inbox;
    if (session === undefined || worker === undefined || isWaiting) return;
    this.#send(worker, { t: 'ack', k: call.key, s: session, n: delivered });
  }

  /** Asks the worker of an attempt to report here. */
  #attach({ call, inbox: { session, delivered } }: Flight): void {
    const message: CoordinatorMessage = { t: 'attach', k: call.key, to: this.#channel };
    const from = session === undefined ? {} : { s: session, n: delivered };
    this.#send(WORKERS, { ...message, ...from });
  }

  #send(channel: string, message: CoordinatorMessage): void {
    this.#sender.send(channel, JSON.stringify(message));
  }

  // --- What the queue may have lost ---

  #sweep(): void {
    this.#sweeping ??= this.#sweepOnce()
      .catch(this.#settings.onError)
      .finally(() => {
        this.#sweeping = undefined;
      });
  }

  async #sweepOnce(): Promise<void> {
    await this.ready();
    const now = performance.now();
    if (now - this.#workerAt > NO_WORKER_MS) this.#warn(now - NO_WORKER_MS);
    const quiet: Flight[] = [];
    for (const flight of this.#flights.values()) {
      for (const message of flight.decisions.values()) {
        this.#send(flight.worker ?? WORKERS, message);
      }
      if (now - flight.newsAt > QUIET_MS) quiet.push(flight);
    }
    // Those that were looked up longest ago come first.
    quiet.sort((a, b) => a.lookedUpAt - b.lookedUpAt);
    await eachAtOnce(quiet.slice(0, MAX_LOOKUPS), LOOKUPS, (flight) => this.#lookUp(flight));
    await this.#cancellations.sweep(now);
  }

  /** Puts an attempt back that the queue has lost, and takes a result whose report was lost. */
  async #lookUp(flight: Flight): Promise<void> {
    const { call } = flight;
    flight.lookedUpAt = performance.now();
    const found: Found = await this.#jobs.find(call.key, call.resource);
    if (this.#flights.get(call.key) !== flight) return;
    switch (found.state) {
      case 'lost':
        this.#jobs.add(call);
        break;
      case 'alive':
        this.#attach(flight);
        break;
      case 'ended':
        this.#end(flight, flight.decode(JSON.parse(found.result)));
        break;
      case 'given up': {
        const message = `the attempt was lost with its workers again and again (${found.reason}): it may take more memory or time than they have`;
        this.#end(flight, { type: 'failed', error: new RunnerError('task_failed', message) });
      }
    }
  }

  /** @param before Attempts that were started before wait for too long. */
  #warn(before: number): void {
    for (const flight of this.#flights.values()) {
      if (flight.startedAt <= before) flight.warn(this.name);
    }
  }
}
