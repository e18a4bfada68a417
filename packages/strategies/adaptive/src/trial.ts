import type { TaskType } from '@stratagem/core';
import { type Duration, type Latencies, quartileOf } from './latencies.js';
import type { Request } from './request.js';

/** What part of those that started in a trial must be answered before it says anything. */
const ENOUGH = 0.35;
/** A quartile of fewer is chance. */
const MIN_SIZE = 10;

/** What a trial found. */
export interface Finding {
  /** How many were in flight on average. */
  readonly level: number;
  /** How many might have been: more, when too few tasks were ready. */
  readonly limit: number;
  /** By all that has ended until it is asked for. */
  readonly latencies: Latencies;
}

/** Measures how a limit does: the first requests that start under it, until most are answered. */
export class Trial {
  readonly #limit: number;
  readonly #size: number;
  readonly #from: number;
  /** The members, and how long those took that are over. */
  readonly #members = new Map<Request, Duration | undefined>();
  #ended = 0;
  /** When the first of them started: what is left from a higher limit has gone by then. */
  #beganAt: number | undefined;
  /** Sum of the time that requests were in flight. */
  #held = 0;
  #updatedAt = 0;
  /** When the last request started, a member or not, and the sum until then. */
  #startedAt = 0;
  #heldThen = 0;

  /**
   * @param limit How many may be in flight.
   * @param from The order of the next request.
   */
  constructor(limit: number, from: number) {
    this.#limit = limit;
    this.#size = Math.max(MIN_SIZE, Math.ceil(0.9 * limit));
    this.#from = from;
  }

  /** To be called before the number in flight changes. */
  passed(held: number, now: number): void {
    if (this.#beganAt === undefined) return;
    this.#held += held * (now - this.#updatedAt);
    this.#updatedAt = now;
  }

  started(request: Request): void {
    this.#startedAt = request.startedAt;
    this.#heldThen = this.#held;
    if (request.order >= this.#from + this.#size) return;
    if (this.#beganAt === undefined) this.#updatedAt = this.#beganAt = request.startedAt;
    this.#members.set(request, undefined);
  }

  /** @param isOver False for one that was given up: it would have taken longer. */
  ended(request: Request, latencyMs: number, isOver: boolean): void {
    if (!this.#members.has(request)) return;
    this.#members.set(request, { log: logOf(latencyMs), isOver });
    this.#ended++;
  }

  dropped(request: Request): void {
    this.#members.delete(request);
  }

  /**
   * @param nextOrder The order of the next request.
   * @returns Undefined until enough is known.
   */
  finding(nextOrder: number): Finding | undefined {
    const size = this.#members.size;
    const elapsed = this.#updatedAt - (this.#beganAt ?? this.#updatedAt);
    if (elapsed <= 0 || nextOrder < this.#from + this.#size) return undefined;
    if (size < MIN_SIZE / 2 || this.#ended < ENOUGH * size) return undefined;
    return this.#finding(this.#held / elapsed);
  }

  /** What can be said before that: latencies are at least so long. */
  glimpse(): Finding | undefined {
    const elapsed = this.#updatedAt - (this.#beganAt ?? this.#updatedAt);
    if (elapsed <= 0 || this.#members.size < MIN_SIZE) return undefined;
    return this.#finding(this.#held / elapsed, true);
  }

  /**
   * What can be said when no more requests start and all are over. What was in flight while the last
   * ones ended is no level.
   */
  last(): Finding | undefined {
    const elapsed = this.#startedAt - (this.#beganAt ?? this.#startedAt);
    const level = elapsed > 0 ? this.#heldThen / elapsed : this.#members.size;
    if (this.#ended < MIN_SIZE / 2) return undefined;
    return this.#finding(level);
  }

  /** Whether all that it measures has ended. */
  get isOver(): boolean {
    return this.#ended >= this.#members.size;
  }

  #finding(level: number, withLeast = false): Finding {
    const latencies = () => this.#latencies(withLeast);
    return {
      ...{ level, limit: this.#limit },
      get latencies() {
        return latencies();
      },
    };
  }

  #latencies(withLeast: boolean): Latencies {
    const byType = new Map<TaskType, Duration[]>();
    for (const [{ task, startedAt }, ended] of this.#members) {
      const duration = ended ?? { log: logOf(this.#updatedAt - startedAt), isOver: false };
      const others = byType.get(task.type);
      if (others === undefined) byType.set(task.type, [duration]);
      else others.push(duration);
    }
    const latencies: Latencies = new Map();
    for (const [type, durations] of byType) {
      const quartile = quartileOf(durations);
      if (withLeast || !quartile.isLeast) latencies.set(type, quartile);
    }
    return latencies;
  }
}

function logOf(durationMs: number): number {
  return Math.log(Math.max(1, durationMs));
}
