import type { Outcome, StrategySwitch, TaskView } from '@stratagem/core';
import { Announced } from './announced.js';
import type { LearnedResource } from './learned.js';
import { Overtaking } from './overtaking.js';
import { Pace } from './pace.js';
import { Ramp } from './ramp.js';
import type { Request } from './request.js';
import { Search, START } from './search.js';
import { Switches } from './switches.js';
import { type Finding, Trial } from './trial.js';

export interface ControllerOptions {
  readonly maxParallel: number;
  readonly adaptiveThreshold: number;
}

/** A request is taken to be lost when so many times those beside it were answered since. */
const ROUNDS = 2;
/** How often a raise is looked at while as many are answered as it allows at once. */
const LOOKS = 32;
/** Timeouts by fewer than this share of the limit, or by one request alone, are of slow requests. */
const MANY = 0.1;

/**
 * Says when tasks may start at one resource. Three things can hold a task back: how many are in
 * flight (`Search`), what the server announces (`Announced`), and how fast it was found to let
 * requests in (`Pace`).
 */
export class Controller {
  readonly #search: Search;
  readonly #pace: Pace;
  readonly #announced = new Announced();
  readonly #requests = new Overtaking();
  readonly #ramp = new Ramp();
  readonly #switches: Switches;
  /** By the index of the task. */
  readonly #open = new Map<number, Request>();
  #trial: Trial;
  #trialLimit: number;
  /** The last trials: some of their requests are still in flight. */
  #earlier: Trial[] = [];
  #order = 0;
  #timeouts = 0;
  /** Answers since a raise was looked at. */
  #unseen = 0;
  /** How many were in flight in the last trial. */
  #level: number | undefined;
  /** The fewest that were in flight beside one that was not answered in time. */
  #lostBeside = Number.POSITIVE_INFINITY;

  constructor(
    { maxParallel, adaptiveThreshold }: ControllerOptions,
    known: LearnedResource | undefined,
    tell: (change: StrategySwitch) => void,
  ) {
    this.#search = new Search(maxParallel, adaptiveThreshold, known);
    this.#pace = new Pace(known);
    this.#switches = new Switches(this.#search.limit, tell);
    this.#trialLimit = this.#search.limit;
    this.#trial = new Trial(this.#trialLimit, 0);
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
    this.#trial.started(request);
    this.#pace.started(now);
    this.#announced.started(request, now);
  }

  settled(task: TaskView, outcome: Outcome, waiting: number, now: number): void {
    const request = this.#open.get(task.index) as Request;
    this.#open.delete(task.index);
    this.#advance(now);
    this.#requests.ended(request);
    this.#announced.ended(request, outcome, now);
    if (outcome.ok) {
      this.#measure((trial) => trial.ended(request, outcome.latencyMs, true));
      this.#requests.answered(request, ROUNDS);
      this.#switches.answered(outcome.latencyMs);
    } else this.#failed(request, outcome, now);

    const finding = this.#trial.finding(this.#order) ?? this.#futile();
    if (finding !== undefined) {
      const { limit } = this.#search;
      this.#level = finding.level;
      this.#search.judge(finding, waiting);
      this.#ramp.raised(limit, this.#search.limit, outcome.latencyMs, now);
    }
    if (finding !== undefined || this.#search.limit < this.#trialLimit) this.#begin();
    this.#switches.look(this.#search, this.#pace.intervalMs, now);
  }

  learned(): LearnedResource {
    // The trial that the end of the run cut short.
    const unheard = this.#open.size === 0 ? this.#trial.last() : undefined;
    if (unheard !== undefined) {
      this.#search.judge(unheard, 0);
      this.#begin();
    }
    const { limit, measured, ...known } = this.#search.known;
    const paced = this.#switches.mode === 'paced' || this.#pace.intervalMs > 0;
    if (!paced && this.#announced.isEmpty) {
      return { limit, ...known, ...(measured && { measured }), ...this.#pace.learned() };
    }
    // What such limits leave in flight is all that they need, and no flood for a run that begins
    // before it knows how much is left.
    const needed = Math.max(paced ? 1 : START, Math.ceil(this.#level ?? limit));
    return { limit: Math.min(limit, needed), ...known, ...this.#pace.learned() };
  }

  /** A raise that is not worth waiting for the end of its trial. */
  #futile(): Finding | undefined {
    if (this.#search.phase !== 'growing') return undefined;
    // A look takes time in proportion to the limit, and must not with each answer.
    if (++this.#unseen < this.#trialLimit / LOOKS) return undefined;
    this.#unseen = 0;
    const glimpse = this.#trial.glimpse();
    return glimpse !== undefined && this.#search.isFutile(glimpse) ? glimpse : undefined;
  }

  #failed(
    request: Request,
    { errorCode, latencyMs, retryAfterMs = 0 }: Outcome,
    now: number,
  ): void {
    if (errorCode === 'timeout') {
      this.#measure((trial) => trial.ended(request, latencyMs, false));
      this.#timedOut(request);
      return;
    }
    this.#measure((trial) => trial.dropped(request));
    const isRefusal = errorCode === 'rate_limited' || errorCode === 'overloaded';
    if (isRefusal && retryAfterMs > 0) {
      // By what it announces, the server's own word, nothing need be guessed.
      const roomAt = now + retryAfterMs;
      if (this.#announced.isEmpty) this.#pace.refused(request.startedAt, roomAt, now);
      else this.#pace.wait(roomAt);
    } else if (isRefusal || errorCode === 'server_error') {
      this.#search.refused(this.#requests.held);
    }
  }

  #timedOut({ beside }: Request): void {
    this.#lostBeside = Math.min(this.#lostBeside, beside);
    if (++this.#timeouts < Math.max(2, MANY * this.#search.limit)) return;
    this.#timeouts = 0;
    this.#search.lost(this.#lostBeside);
  }

  #measure(note: (trial: Trial) => void): void {
    for (const trial of this.#earlier) note(trial);
    note(this.#trial);
  }

  #begin(): void {
    this.#earlier = [...this.#earlier, this.#trial].filter(({ isOver }) => !isOver).slice(-3);
    this.#trialLimit = this.#search.limit;
    this.#trial = new Trial(this.#trialLimit, this.#order);
  }

  /** To be called before the number in flight changes. */
  #advance(now: number): void {
    const { held } = this.#requests;
    this.#measure((trial) => trial.passed(held, now));
    this.#switches.passed(held, now);
  }
}
