import type { Outcome, OutputPart, StrategySwitch, TaskView } from '@stratagem/core';
import type { Load } from '../decide/decide.js';
import type { LearnedResource } from '../estimate/learned.js';
import type { Posterior } from '../estimate/posterior.js';
import { createRequest, type Request } from '../estimate/request.js';
import { AnnouncedLimits } from '../limits/announced-limits.js';
import { ErrorBursts } from '../limits/error-bursts.js';
import { LostRequests } from '../limits/lost-requests.js';
import { RatePacer } from '../limits/rate-pacer.js';
import { SlowStart } from '../limits/slow-start.js';
import { LimitSearch } from './limit-search.js';
import { ModeReports } from './mode-reports.js';

export interface ControllerOptions {
  readonly maxParallel: number;
  readonly adaptiveThreshold: number;
}

/** The tasks that are waiting. */
export type Queue = Omit<Load, 'inFlight'>;

/** A request in flight, and what had been taken from the announced quotas when it had started. */
interface InFlight {
  readonly request: Request;
  readonly taken: readonly number[];
}

/**
 * Decides when tasks may start at one resource. Three parts can delay a task: the limit of requests in
 * flight (`LimitSearch`), the limits that the server announces (`AnnouncedLimits`), and the rate at
 * which it was found to admit requests (`RatePacer`).
 */
export class Controller {
  readonly #search: LimitSearch;
  readonly #posterior: Posterior;
  readonly #pacer: RatePacer;
  readonly #announced = new AnnouncedLimits();
  readonly #requests = new LostRequests();
  readonly #errors = new ErrorBursts();
  readonly #slowStart = new SlowStart();
  readonly #reports: ModeReports;
  readonly #inFlight = new Map<TaskView, InFlight>();
  #updatedAt = 0;
  /** Reports to the run whose scheduler is being called. */
  report: (change: StrategySwitch) => void = () => {};

  constructor(options: ControllerOptions, known: LearnedResource | undefined, now: number) {
    this.#search = new LimitSearch(options.maxParallel, options.adaptiveThreshold, known);
    this.#posterior = this.#search.posterior;
    this.#pacer = new RatePacer(known);
    this.#reports = new ModeReports(this.#search, now, (change) => this.report(change));
  }

  /** The limit of requests in flight. */
  get limit(): number {
    return this.#search.limit;
  }

  /** Holds a task back until a request has ended. */
  holdBack(): number {
    this.#reports.countDelay('limit');
    return Number.POSITIVE_INFINITY;
  }

  /**
   * When a task may start; Infinity while too many requests are in flight.
   *
   * @param mayExceed Whether the limit does not count.
   */
  availableAt(task: TaskView, now: number, mayExceed = false): number {
    const { inFlight } = this.#requests;
    if (!mayExceed && inFlight >= this.limit) return this.holdBack();
    const at = Math.max(this.#pacer.availableAt(now), this.#announced.availableAt(task, now));
    if (at > now) this.#reports.countDelay('pace');
    return Math.max(at, this.#slowStart.availableAt(inFlight, now));
  }

  recordStart(task: TaskView, now: number): void {
    this.#advance(now);
    const othersInFlight = this.#requests.inFlight;
    const request = createRequest(task, { startedAt: now, othersInFlight });
    this.#requests.add(request);
    this.#posterior.recordStart(request);
    this.#pacer.recordStart(now);
    this.#inFlight.set(task, { request, taken: this.#announced.take(task, now) });
  }

  /** Records a part of the output of a request in flight. */
  recordOutput(task: TaskView, part: OutputPart, queue: Queue, now: number): void {
    const request = this.#inFlight.get(task)?.request;
    if (request === undefined) return;
    // While a request calls tools, it writes no text.
    if (part.kind !== 'text') {
      this.#posterior.pauseStream(request);
      return;
    }
    this.#advance(now);
    const before = this.limit;
    const load = { ...queue, inFlight: this.#requests.inFlight };
    this.#search.recordText(request, part.text.length, load);
    if (this.limit !== before) this.#reportChange(before, now - request.startedAt, now);
  }

  recordOutcome(task: TaskView, outcome: Outcome, queue: Queue, now: number): void {
    const open = this.#inFlight.get(task);
    if (open === undefined) return;
    const { request, taken } = open;
    this.#inFlight.delete(task);
    this.#advance(now);
    const before = this.limit;
    this.#announced.recordOutcome(taken, outcome, now);
    if (outcome.ok) this.#recordAnswer(request, outcome, queue, now);
    else this.#recordFailure(request, outcome, now);
    this.#reportChange(before, outcome.latencyMs, now);
  }

  /** Forgets a request whose outcome will not be known. */
  discard(task: TaskView): void {
    const request = this.#inFlight.get(task)?.request;
    if (request === undefined) return;
    this.#inFlight.delete(task);
    this.#requests.remove(request);
    this.#posterior.discard(request);
  }

  learned(): LearnedResource {
    const known = { ...this.#search.learned(), ...this.#pacer.learned() };
    if (!this.#reports.isPaced && this.#pacer.intervalMs === 0) return known;
    // Under a rate limit, the average number in flight is enough. A higher limit could flood the
    // server at the start of the next run, before its remaining quota is known.
    const average = Math.ceil(this.#reports.averageInFlight ?? known.limit);
    return { ...known, limit: Math.min(known.limit, Math.max(1, average)) };
  }

  #recordAnswer(request: Request, { usage, latencyMs }: Outcome, queue: Queue, now: number): void {
    const { inFlight } = this.#requests;
    this.#search.recordAnswer(request, { ...queue, inFlight }, usage?.outputTokens);
    this.#errors.recordAnswer(this.limit);
    this.#reports.recordAnswer(latencyMs);
    for (const lost of this.#requests.recordAnswer(request, now)) this.#posterior.discard(lost);
    const fewest = this.#requests.lostAbove(this.limit);
    if (fewest === undefined) return;
    this.#posterior.ignoreOpen();
    this.#search.lower(fewest, 'requests above this limit got no answer, though later ones did');
  }

  #recordFailure(request: Request, { errorCode, retryAfterMs = 0 }: Outcome, now: number): void {
    const isUnproven = this.#requests.isUnproven(request);
    this.#requests.remove(request);
    this.#posterior.discard(request);
    const { inFlight } = this.#requests;
    const refused = 'the server refused requests above this limit';
    if (errorCode === 'timeout') {
      if (!isUnproven) return;
      const fewest = this.#errors.recordError(request.othersInFlight, this.limit);
      if (fewest !== undefined)
        this.#search.lower(fewest, 'requests above this limit timed out', true);
    } else if (errorCode === 'server_error') {
      const fewest = this.#errors.recordError(inFlight, this.limit);
      if (fewest !== undefined) this.#search.lower(fewest, refused);
    } else if (errorCode === 'rate_limited' || errorCode === 'overloaded') {
      // Announced limits make it unnecessary to estimate the rate.
      const roomAt = now + retryAfterMs;
      if (retryAfterMs === 0) this.#search.lower(inFlight, refused);
      else if (this.#announced.isEmpty) this.#pacer.recordRefusal(request.startedAt, roomAt, now);
      else this.#pacer.waitUntil(roomAt);
    }
  }

  /** @param before The limit before the observation. */
  #reportChange(before: number, latencyMs: number, now: number): void {
    if (this.limit !== before) this.#slowStart.begin(before, this.limit, latencyMs, now);
    this.#reports.reportChange(this.#pacer.intervalMs);
  }

  /** Accounts for the time since the last call. Call it before the number in flight changes. */
  #advance(time: number): void {
    // The clocks of several runs may differ a little.
    this.#updatedAt = Math.max(time, this.#updatedAt);
    const { inFlight } = this.#requests;
    this.#posterior.advance(inFlight, this.#updatedAt);
    this.#reports.advance(inFlight, this.#updatedAt);
  }
}
