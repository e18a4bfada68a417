import { type AttemptErrorCode, type RateLimits, RunnerError, type Usage } from '@stratagem/core';
import { Heap } from '@stratagem/core/strategy';
import { randomFrom, spread } from '../util/random.js';
import { LimitChanges } from './limit-changes.js';
import type { Request, Response, Server, StreamChunk } from './server.js';
import { type StreamChunks, streamChunksOf } from './stream-chunks.js';

/** Why a request is refused. */
export interface Refusal {
  readonly code: AttemptErrorCode;
  readonly message: string;
  readonly status?: number | undefined;
  readonly retryAfterMs?: number | undefined;
  /** How long the refusal takes; `Infinity` when the server never responds. */
  readonly afterMs: number;
  /** The tokens that the attempt has used before it failed, and what they cost in US dollars. */
  readonly usage?: Usage | undefined;
  readonly costUsd?: number | undefined;
}

/** Decides which requests the server accepts. A stateful gate must be created for each run. */
export interface Gate {
  /**
   * @param inFlight The number of requests that the server is processing.
   * @returns Why the request is refused; undefined when it is accepted and has been counted.
   */
  refuse(request: Request, now: number, inFlight: number): Refusal | undefined;
  /** The limits that the server announces with each response. */
  announce?(now: number): RateLimits | undefined;
}

export interface QueueingServerOptions {
  readonly seed: number;
  /** The spread of latencies, as the standard deviation of their logarithm. */
  readonly sigma: number;
  /**
   * The speed of each request for a number of requests in flight; 1 is the speed on an idle server.
   * @default 1 for any number
   */
  readonly speed?: ((inFlight: number, now: number) => number) | undefined;
  /** When `speed` changes although no request starts or ends. */
  readonly changes?: LimitChanges | undefined;
  /** @default all requests are accepted */
  readonly gate?: Gate | undefined;
}

interface Entry {
  readonly request: Request;
  /** The progress at which the next chunk or the end is due, or the time of the refusal. */
  due: number;
  /** The chunks that have not been sent yet. */
  readonly chunks: StreamChunks | undefined;
  readonly order: number;
  readonly refusal: Refusal | undefined;
  aborted: boolean;
}

const byDue = (a: Entry, b: Entry) => a.due - b.due || a.order - b.order;
const NO_LIMIT_CHANGES = new LimitChanges('');

/**
 * A processor-sharing server: all requests progress at the same speed, which depends on their number.
 * A request ends when the common progress since its start equals its work. So a heap of these sums
 * finds the next one to end, and a change of speed does not touch the requests in flight.
 *
 * @example
 * // Three at full speed, more share them; closed for the first second.
 * const model: ServerModel = {
 *   name: 'late',
 *   begin: (seed) =>
 *     new QueueingServer({
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
export class QueueingServer implements Server {
  readonly #options: QueueingServerOptions;
  readonly #speed: (inFlight: number, now: number) => number;
  readonly #changes: LimitChanges;
  readonly #entries = new Map<Request, Entry>();
  readonly #working = new Heap<Entry>(byDue);
  readonly #refusals = new Heap<Entry>(byDue);
  #order = 0;
  #inFlight = 0;
  /** The work that a request running since the beginning would have had done, in milliseconds. */
  #progress = 0;
  #updatedAt = 0;
  /** When the next request ends, unless another one starts or ends first. */
  #nextDoneAt = Number.POSITIVE_INFINITY;
  #nextChangeAt = Number.POSITIVE_INFINITY;

  constructor(options: QueueingServerOptions) {
    this.#options = options;
    this.#speed = options.speed ?? (() => 1);
    this.#changes = options.changes ?? NO_LIMIT_CHANGES;
  }

  get nextAt(): number {
    const nextRefusalAt = this.#refusals.peek()?.due ?? Number.POSITIVE_INFINITY;
    return Math.min(this.#nextDoneAt, this.#nextChangeAt, nextRefusalAt);
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
        chunks: undefined,
        aborted: false,
      };
      this.#entries.set(request, entry);
      if (refusal.afterMs !== Number.POSITIVE_INFINITY) this.#refusals.push(entry);
      return;
    }
    const random = randomFrom(seed, request.taskId, request.attempt, 'latency');
    const workMs = request.workMs * spread(random, sigma);
    const chunks = streamChunksOf(request, this.#progress, workMs, seed);
    const due = chunks?.due ?? this.#progress + workMs;
    const entry = { request, due, order, refusal, chunks, aborted: false };
    this.#entries.set(request, entry);
    this.#working.push(entry);
    this.#inFlight++;
    this.#schedule(now);
  }

  abort(request: Request, now: number): void {
    this.#update(now);
    const entry = this.#entries.get(request);
    if (entry === undefined) return;
    entry.aborted = true;
    this.#entries.delete(request);
    if (entry.refusal === undefined) this.#inFlight--;
    this.#schedule(now);
  }

  advance(now: number): Response | StreamChunk | undefined {
    const refused = this.#refusals.peek();
    if (refused !== undefined && refused.due <= now) {
      this.#refusals.pop();
      this.#prune(this.#refusals);
      return this.#respond(refused, now);
    }
    const done = now >= this.#nextDoneAt ? this.#working.pop() : undefined;
    this.#update(now);
    if (done === undefined) {
      this.#schedule(now);
      return undefined;
    }
    // The sum of many small steps may fall short of the work by a rounding error.
    this.#progress = Math.max(this.#progress, done.due);
    const { request, chunks } = done;
    if (chunks?.isOver === false) {
      const tokens = chunks.take();
      done.due = chunks.due;
      this.#working.push(done);
      this.#schedule(now);
      return { request, tokens };
    }
    this.#inFlight--;
    this.#schedule(now);
    return this.#respond(done, now);
  }

  #respond({ request, refusal }: Entry, now: number): Response {
    this.#entries.delete(request);
    const rateLimits = this.#options.gate?.announce?.(now);
    return { request, rateLimits, error: refusal && errorOf(refusal, rateLimits) };
  }

  /** Advances the progress to this time. */
  #update(now: number): void {
    if (this.#inFlight > 0 && now > this.#updatedAt) {
      this.#progress += (now - this.#updatedAt) * this.#speed(this.#inFlight, this.#updatedAt);
    }
    this.#updatedAt = now;
  }

  /** Calculates the next times after any change. */
  #schedule(now: number): void {
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

  /** Removes aborted requests from the top of a heap. */
  #prune(heap: Heap<Entry>): void {
    while (heap.peek()?.aborted) heap.pop();
  }
}

function errorOf(
  { code, message, status, retryAfterMs, usage, costUsd }: Refusal,
  rateLimits: RateLimits | undefined,
): RunnerError {
  return new RunnerError(code, message, {
    ...(status !== undefined && { status }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(rateLimits !== undefined && { rateLimits }),
    ...(usage !== undefined && { usage }),
    ...(costUsd !== undefined && { costUsd }),
  });
}
