import type { Outcome, OutputPart, StrategySwitch, TaskView } from '@stratagem/core';
import { ErrorBursts } from '../concurrency/error-bursts.js';
import { LimitSearch, type Queue, START } from '../concurrency/limit-search.js';
import { LostRequests } from '../concurrency/lost-requests.js';
import { ProvenConcurrency } from '../concurrency/proven-concurrency.js';
import { SlowStart } from '../concurrency/slow-start.js';
import { AnnouncedLimits } from '../limits/announced-limits.js';
import { RatePacer } from '../limits/rate-pacer.js';
import type { LearnedResource } from '../model/learned.js';
import type { Request } from '../model/request.js';
import { ModeReports } from './mode-reports.js';

export interface ControllerOptions {
  readonly maxParallel: number;
  readonly adaptiveThreshold: number;
}

/** A request is taken to be lost when so many times those beside it were answered since. */
const ROUNDS = 4;

/**
 * Says when tasks may start at one resource. Three things can hold a task back: how many are in
 * flight (`LimitSearch`), what the server announces (`AnnouncedLimits`), and how fast it was found to let
 * requests in (`RatePacer`).
 */
export class Controller {
  readonly #search: LimitSearch;
  readonly #pace: RatePacer;
  readonly #announced = new AnnouncedLimits();
  readonly #requests = new LostRequests();
  readonly #ramp = new SlowStart();
  readonly #switches: ModeReports;
  /** By the index of the task. */
  readonly #open = new Map<number, Request>();
  #order = 0;
  /** When the first request started, and the sum of the time that requests have been in flight. */
  #beganAt: number | undefined;
  #updatedAt = 0;
  #heldMs = 0;
  readonly #timeouts = new ErrorBursts();
  readonly #errors = new ErrorBursts();
  readonly #carried = new ProvenConcurrency();

  constructor(
    { maxParallel, adaptiveThreshold }: ControllerOptions,
    known: LearnedResource | undefined,
    tell: (change: StrategySwitch) => void,
  ) {
    this.#search = new LimitSearch(maxParallel, adaptiveThreshold, known);
    this.#pace = new RatePacer(known);
    this.#switches = new ModeReports(this.#search.limit, tell);
  }

  /** When a task may start; Infinity while there are too many in flight. */
  availableAt(task: TaskView, now: number): number {
    if (this.#requests.held >= this.#search.limit) {
      this.#switches.heldBy('limit');
      return Number.POSITIVE_INFINITY;
    }
    const at = Math.max(this.#pace.availableAt(now), this.#announced.availableAt(task, now));
    if (at > now) this.#switches.heldBy('pace');
    return Math.max(at, this.#ramp.availableAt(this.#requests.held, now));
  }

  started(task: TaskView, now: number): void {
    this.#advance(now);
    const request = { task, order: this.#order++, startedAt: now, beside: this.#requests.held };
    this.#open.set(task.index, request);
    this.#requests.started(request);
    this.#search.started(request);
    this.#pace.started(now);
    this.#announced.started(request, now);
  }

  /** A request in flight has reported a part of its output. */
  reported(task: TaskView, part: OutputPart, queue: Omit<Queue, 'held'>, now: number): void {
    const request = this.#open.get(task.index) as Request;
    // While it calls tools, it writes nothing.
    if (part.kind !== 'text') {
      this.#search.paused(request);
      return;
    }
    this.#advance(now);
    const before = this.#search.limit;
    this.#search.wrote(request, part.text.length, { ...queue, held: this.#requests.held });
    const { limit } = this.#search;
    if (limit === before) return;
    this.#ramp.raised(before, limit, now - request.startedAt, now);
    this.#switches.look(this.#search, this.#pace.intervalMs, now);
  }

  settled(task: TaskView, outcome: Outcome, queue: Omit<Queue, 'held'>, now: number): void {
    const request = this.#open.get(task.index) as Request;
    this.#open.delete(task.index);
    this.#advance(now);
    const before = this.#search.limit;
    const { held } = this.#requests;
    this.#requests.ended(request);
    this.#announced.ended(request, outcome, now);
    if (outcome.ok) {
      this.#search.answered(request, { ...queue, held }, outcome.usage?.outputTokens);
      this.#carried.answered(request);
      this.#timeouts.answered(this.#search.limit);
      this.#errors.answered(this.#search.limit);
      this.#requests.answered(request, ROUNDS);
      this.#switches.answered(outcome.latencyMs);
    } else this.#failed(request, outcome, now);

    const { limit } = this.#search;
    if (limit !== before) this.#ramp.raised(before, limit, outcome.latencyMs, now);
    this.#switches.look(this.#search, this.#pace.intervalMs, now);
  }

  learned(): LearnedResource {
    const known = this.#search.known;
    const paced = this.#switches.mode === 'paced' || this.#pace.intervalMs > 0;
    if (!paced && this.#announced.isEmpty) return { ...known, ...this.#pace.learned() };
    // What such limits leave in flight is all that they need, and no flood for a run that begins
    // before it knows how much is left.
    const elapsed = this.#updatedAt - (this.#beganAt ?? this.#updatedAt);
    const level = elapsed > 0 ? Math.ceil(this.#heldMs / elapsed) : known.limit;
    const few = paced ? 1 : Math.max(START, this.#announced.atFirst);
    const limit = Math.min(known.limit, Math.max(few, level));
    return { ...known, limit, ...this.#pace.learned() };
  }

  #failed(request: Request, { errorCode, retryAfterMs = 0 }: Outcome, now: number): void {
    this.#search.dropped(request);
    const { held } = this.#requests;
    const { limit } = this.#search;
    if (errorCode === 'timeout') {
      if (!this.#carried.mayBeTooMany(request)) return;
      const fewest = this.#timeouts.seen(request.beside, limit);
      if (fewest !== undefined) this.#search.lost(fewest);
    } else if (errorCode === 'server_error') {
      const fewest = this.#errors.seen(held, limit);
      if (fewest !== undefined) this.#search.refused(fewest);
    } else if (errorCode === 'rate_limited' || errorCode === 'overloaded') {
      // By what it announces, the server's own word, nothing need be guessed.
      const roomAt = now + retryAfterMs;
      if (retryAfterMs === 0) this.#search.refused(held);
      else if (this.#announced.isEmpty) this.#pace.refused(request.startedAt, roomAt, now);
      else this.#pace.wait(roomAt);
    }
  }

  /** To be called before the number in flight changes. */
  #advance(now: number): void {
    const { held } = this.#requests;
    this.#search.passed(held, now);
    this.#switches.passed(held, now);
    this.#beganAt ??= now;
    this.#heldMs += held * (now - this.#updatedAt);
    this.#updatedAt = now;
  }
}
