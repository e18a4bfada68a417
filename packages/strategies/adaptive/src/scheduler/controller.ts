import type { Outcome, OutputPart, StrategySwitch, TaskView } from '@stratagem/core';
import type { Load } from '../decide/decide.js';
import type { LearnedResource } from '../estimate/learned.js';
import type { Posterior } from '../estimate/posterior.js';
import { createRequest } from '../estimate/request.js';
import { AnnouncedLimits } from '../limits/announced-limits.js';
import { LostRequests, type OpenRequest } from '../limits/lost-requests.js';
import { RatePacer } from '../limits/rate-pacer.js';
import { SlowStart } from '../limits/slow-start.js';
import { LimitSearch } from './limit-search.js';
import { ModeReports } from './mode-reports.js';

export interface ControllerOptions {
  readonly maxParallel: number;
  readonly adaptiveThreshold: number;
}

const LOST = 'requests above this limit got no answer, though later ones did';
const REFUSED = 'the server refused requests above this limit';
const TIMED_OUT = 'requests above this limit timed out';

/** The time of a call, and the tasks that wait then. */
export interface Moment extends Omit<Load, 'inFlight'> {
  readonly now: number;
}

type Change = StrategySwitch | undefined;

/** A request, and what had been taken from the announced quotas when it had started. */
export interface SentRequest extends OpenRequest {
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
  readonly #slowStart: SlowStart;
  readonly #reports: ModeReports;
  #updatedAt: number;

  constructor(options: ControllerOptions, known: LearnedResource | undefined, now: number) {
    this.#search = new LimitSearch(options.maxParallel, options.adaptiveThreshold, known);
    this.#posterior = this.#search.posterior;
    this.#pacer = new RatePacer(known);
    this.#slowStart = new SlowStart(this.limit);
    this.#reports = new ModeReports(this.#search);
    this.#updatedAt = now;
  }

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

  recordStart(task: TaskView, now: number): SentRequest {
    this.#advance(now);
    const { inFlight: othersInFlight, ended: endedBefore } = this.#requests;
    const request = {
      ...createRequest(task, { startedAt: now, othersInFlight }),
      endedBefore,
      taken: this.#announced.take(task, now),
    };
    this.#requests.add(request);
    this.#posterior.recordStart(request);
    this.#pacer.recordStart(now);
    return request;
  }

  /** @returns A change to report. */
  recordOutput(request: SentRequest, part: OutputPart, moment: Moment): Change {
    // While a request calls tools, it writes no text.
    if (part.kind !== 'text') {
      this.#posterior.pauseStream(request);
      return undefined;
    }
    this.#advance(moment.now);
    const load = { ...moment, inFlight: this.#requests.inFlight };
    this.#search.recordText(request, part.text.length, load);
    return this.#takeChange(request, moment.now);
  }

  /** @returns A change to report. */
  recordOutcome(request: SentRequest, outcome: Outcome, moment: Moment): Change {
    const { now } = moment;
    this.#advance(now);
    this.#announced.recordOutcome(request.taken, outcome, now);
    if (outcome.ok) this.#recordAnswer(request, outcome, moment);
    else this.#recordFailure(request, outcome, now);
    return this.#takeChange(request, now);
  }

  /** Forgets a request whose outcome will not be known. */
  discard(request: SentRequest): void {
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

  #recordAnswer(request: OpenRequest, { usage, latencyMs }: Outcome, moment: Moment): void {
    const load = { ...moment, inFlight: this.#requests.inFlight };
    this.#search.recordAnswer(request, load, usage?.outputTokens);
    this.#reports.recordAnswer(latencyMs);
    const lost = this.#requests.recordAnswer(request, moment.now);
    for (const each of lost) this.#posterior.discard(each);
    const fewest = this.#requests.lostAbove(this.limit);
    if (fewest === undefined) return;
    this.#posterior.ignoreOpen();
    this.#search.lower(fewest, LOST);
  }

  #recordFailure(
    request: OpenRequest,
    { errorCode, retryAfterMs = 0 }: Outcome,
    now: number,
  ): void {
    const isUnproven = this.#requests.isUnproven(request);
    this.#requests.remove(request);
    this.#posterior.discard(request);
    const { inFlight } = this.#requests;
    if (errorCode === 'timeout') {
      if (isUnproven) this.#search.recordError(request.othersInFlight, TIMED_OUT, true);
    } else if (errorCode === 'server_error') {
      this.#search.recordError(inFlight, REFUSED);
    } else if (errorCode === 'rate_limited' || errorCode === 'overloaded') {
      const roomAt = now + retryAfterMs;
      if (retryAfterMs === 0) this.#search.lower(inFlight, REFUSED);
      // Announced limits make it unnecessary to estimate the rate.
      else if (this.#announced.isEmpty) this.#pacer.recordRefusal(request.startedAt, roomAt, now);
      else this.#pacer.waitUntil(roomAt);
    }
  }

  #takeChange({ startedAt }: OpenRequest, now: number): Change {
    this.#slowStart.recordLimit(this.limit, now - startedAt, now);
    return this.#reports.takeChange(this.#pacer.intervalMs);
  }

  /** Accounts for the time since the last call. Call it before the number in flight changes. */
  #advance(time: number): void {
    // The clocks of several runs may differ a little.
    const now = Math.max(time, this.#updatedAt);
    const { inFlight } = this.#requests;
    this.#posterior.advance(inFlight, now);
    this.#reports.advance(inFlight, now - this.#updatedAt);
    this.#updatedAt = now;
  }
}
