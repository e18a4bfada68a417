import { type AttemptErrorCode, Heap, type RateLimits, RunnerError } from '@stratagem/core';
import { Changes } from './changes.js';
import { type Parts, partsOf } from './parts.js';
import { randomFrom, spread } from './random.js';
import type { Answer, Part, Request, Server } from './server.js';

/** Why a request is not let in. */
export interface Refusal {
  readonly code: AttemptErrorCode;
  readonly message: string;
  readonly status?: number;
  readonly retryAfterMs?: number;
  /** How long the server takes to say so; `Infinity` for one that never does. */
  readonly afterMs: number;
}

/** What stands before the work: decides who is let in. One for each run, when it counts. */
export interface Gate {
  /**
   * @param inFlight How many requests the server works on.
   * @returns Why the request is not let in; undefined when it is, and then it has been counted.
   */
  refuse(request: Request, now: number, inFlight: number): Refusal | undefined;
  /** What the server says about its limits with each answer. */
  announce?(now: number): RateLimits | undefined;
}

export interface StationOptions {
  readonly seed: number;
  /** Deviation of the logarithm of the latencies. */
  readonly sigma: number;
  /**
   * How fast each of so many requests in flight gets on; 1 is as on an idle server.
   * @default 1 however many there are
   */
  readonly speed?: (inFlight: number, now: number) => number;
  /** When `speed` changes although nothing comes or goes. */
  readonly changes?: Changes;
  /** @default all are let in */
  readonly gate?: Gate;
}

interface Entry {
  readonly request: Request;
  /** Progress at which the next part or the end is due, or the time at which the refusal is told. */
  due: number;
  /** Those of its parts that have not been told. */
  readonly parts: Parts | undefined;
  readonly order: number;
  readonly refusal: Refusal | undefined;
  aborted: boolean;
}

const byDue = (a: Entry, b: Entry) => a.due - b.due || a.order - b.order;
const NO_CHANGES = new Changes('');

/**
 * A server whose requests all get on equally fast, the faster the fewer they are. Each is done when
 * the common progress since its start equals its work, so that a heap of those sums finds the next
 * one to end, and a change of speed costs nothing for those in flight.
 *
 * @example
 * // Three at full speed, more share them; closed for the first second.
 * const model: ServerModel = {
 *   name: 'late',
 *   begin: (seed) =>
 *     new Station({
 *       seed,
 *       sigma: 0.2,
 *       speed: (inFlight) => Math.min(1, 3 / inFlight),
 *       gate: {
 *         refuse: (_request, now) =>
 *           now < 1_000 ? { code: 'overloaded', message: 'closed', afterMs: 5 } : undefined,
 *       },
 *     }),
 * };
 */
export class Station implements Server {
  readonly #options: StationOptions;
  readonly #speed: (inFlight: number, now: number) => number;
  readonly #changes: Changes;
  readonly #entries = new Map<Request, Entry>();
  readonly #working = new Heap<Entry>(byDue);
  readonly #refusals = new Heap<Entry>(byDue);
  #order = 0;
  #inFlight = 0;
  /** How far a request that was there from the beginning would have come, in ms of work. */
  #progress = 0;
  #updatedAt = 0;
  /** When the first of those worked on is done, if nothing comes or goes before. */
  #nextDoneAt = Number.POSITIVE_INFINITY;
  #nextChangeAt = Number.POSITIVE_INFINITY;

  constructor(options: StationOptions) {
    this.#options = options;
    this.#speed = options.speed ?? (() => 1);
    this.#changes = options.changes ?? NO_CHANGES;
  }

  get nextAt(): number {
    const told = this.#refusals.peek()?.due ?? Number.POSITIVE_INFINITY;
    return Math.min(this.#nextDoneAt, this.#nextChangeAt, told);
  }

  start(request: Request, now: number): void {
    this.#update(now);
    const { gate, seed, sigma } = this.#options;
    const refusal = gate?.refuse(request, now, this.#inFlight);
    const order = this.#order++;
    if (refusal !== undefined) {
      const entry = {
        request,
        due: now + refusal.afterMs,
        order,
        refusal,
        parts: undefined,
        aborted: false,
      };
      this.#entries.set(request, entry);
      if (refusal.afterMs !== Number.POSITIVE_INFINITY) this.#refusals.push(entry);
      return;
    }
    const random = randomFrom(seed, request.taskId, request.attempt, 'latency');
    const workMs = request.workMs * spread(random, sigma);
    const parts = partsOf(request, this.#progress, workMs, seed);
    const due = parts?.due ?? this.#progress + workMs;
    const entry = { request, due, order, refusal, parts, aborted: false };
    this.#entries.set(request, entry);
    this.#working.push(entry);
    this.#inFlight++;
    this.#reckon(now);
  }

  abort(request: Request, now: number): void {
    this.#update(now);
    const entry = this.#entries.get(request);
    if (entry === undefined) return;
    entry.aborted = true;
    this.#entries.delete(request);
    if (entry.refusal === undefined) this.#inFlight--;
    this.#reckon(now);
  }

  advance(now: number): Answer | Part | undefined {
    const refused = this.#refusals.peek();
    if (refused !== undefined && refused.due <= now) {
      this.#refusals.pop();
      this.#prune(this.#refusals);
      return this.#answer(refused, now);
    }
    const done = now >= this.#nextDoneAt ? this.#working.pop() : undefined;
    this.#update(now);
    if (done === undefined) {
      this.#reckon(now);
      return undefined;
    }
    // The sum of many small steps may fall short of it by a rounding error.
    this.#progress = Math.max(this.#progress, done.due);
    const { request, parts } = done;
    if (parts?.isOver === false) {
      const tokens = parts.take();
      done.due = parts.due;
      this.#working.push(done);
      this.#reckon(now);
      return { request, tokens };
    }
    this.#inFlight--;
    this.#reckon(now);
    return this.#answer(done, now);
  }

  #answer({ request, refusal }: Entry, now: number): Answer {
    this.#entries.delete(request);
    const rateLimits = this.#options.gate?.announce?.(now);
    return { request, rateLimits, error: refusal && errorOf(refusal, rateLimits) };
  }

  /** Brings the progress up to the time. */
  #update(now: number): void {
    if (this.#inFlight > 0 && now > this.#updatedAt) {
      this.#progress += (now - this.#updatedAt) * this.#speed(this.#inFlight, this.#updatedAt);
    }
    this.#updatedAt = now;
  }

  /** Works out what comes next, after something came, went or changed. */
  #reckon(now: number): void {
    this.#prune(this.#working);
    this.#prune(this.#refusals);
    const first = this.#working.peek();
    if (first === undefined) {
      this.#nextDoneAt = Number.POSITIVE_INFINITY;
      this.#nextChangeAt = Number.POSITIVE_INFINITY;
      return;
    }
    const remaining = Math.max(0, first.due - this.#progress);
    this.#nextDoneAt = now + remaining / this.#speed(this.#inFlight, now);
    this.#nextChangeAt = this.#changes.nextAfter(now);
  }

  /** What was aborted leaves when it comes to the top. */
  #prune(heap: Heap<Entry>): void {
    while (heap.peek()?.aborted) heap.pop();
  }
}

function errorOf(
  { code, message, status, retryAfterMs }: Refusal,
  rateLimits: RateLimits | undefined,
): RunnerError {
  return new RunnerError(code, message, {
    ...(status !== undefined && { status }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(rateLimits !== undefined && { rateLimits }),
  });
}
