import type { LearnedResource } from '../estimate/learned.js';

/** The pacer aims for one refusal in this many starts: that keeps testing an unannounced limit. */
const STARTS_PER_REFUSAL = 30;
/** The interval of n starts is shortened when no refusal comes within this many times n, and then every so many starts. */
const FEW = 4;
/** How much later than expected a refusal is missed, and by how much the interval is shortened then. */
const FACTOR = 1.5;

/** A refusal. Requests that had been sent before it arrived belong to it when they are refused as well. */
interface Refusal {
  readonly at: number;
  /** The time at which the server said it would have capacity again. */
  roomAt: number;
  /** The number of requests admitted before it. */
  admitted: number;
}

/**
 * Paces starts at a server that limits the rate without announcing it. A refusal says when the next
 * request will be admitted. Between two refusals, that time advances by one interval for each admitted
 * request, so two refusals give the interval.
 */
export class RatePacer {
  /** Time between starts; 0 while no pacing is needed. */
  intervalMs = 0;
  #nextAt = Number.NEGATIVE_INFINITY;
  #admitted = 0;
  /** The last refusal, and the one before. */
  #last: Refusal | undefined;
  #before: Refusal | undefined;
  /** Requests admitted before the first refusal, and the interval of an earlier run. */
  #burst: number | undefined;
  #knownMs: number | undefined;
  /** The starts after which a refusal is missed. */
  #patience = FACTOR * STARTS_PER_REFUSAL;

  constructor({ burst, intervalMs }: Pick<LearnedResource, 'burst' | 'intervalMs'> = {}) {
    this.#burst = burst;
    this.#knownMs = intervalMs;
  }

  learned(): Pick<LearnedResource, 'burst' | 'intervalMs'> {
    const intervalMs = this.intervalMs > 0 ? this.intervalMs : this.#knownMs;
    return {
      ...(this.#burst !== undefined && { burst: this.#burst }),
      ...(intervalMs !== undefined && { intervalMs }),
    };
  }

  availableAt(now: number): number {
    return Math.max(now, this.#nextAt);
  }

  recordStart(now: number): void {
    this.#admitted++;
    if (this.#knownMs !== undefined && this.#admitted === this.#burst) {
      this.intervalMs = this.#knownMs;
      this.#nextAt = now;
    }
    if (this.intervalMs === 0) return;
    // The expected refusal did not come, so the server admits more.
    const overdue = this.#admitted - (this.#last?.admitted ?? 0) - this.#patience;
    if (overdue > 0 && overdue % FEW === 0) this.intervalMs /= FACTOR;
    const interval = this.intervalMs * (1 - 1 / STARTS_PER_REFUSAL);
    this.#nextAt = Math.max(now, this.#nextAt) + interval;
  }

  /** Waits as the server asked, when the reason is known from elsewhere. */
  waitUntil(time: number): void {
    this.#nextAt = Math.max(this.#nextAt, time);
  }

  /**
   * @param startedAt When the refused request started.
   * @param roomAt The time at which the server said it would have capacity again.
   */
  recordRefusal(startedAt: number, roomAt: number, now: number): void {
    this.#admitted--;
    this.#burst ??= Math.max(1, this.#admitted);
    this.#knownMs = undefined;
    if (this.#last !== undefined && startedAt <= this.#last.at) {
      this.#last.admitted--;
      this.#last.roomAt = Math.max(this.#last.roomAt, roomAt);
    } else {
      this.#before = this.#last;
      this.#last = { at: now, roomAt, admitted: this.#admitted };
    }
    this.#nextAt = this.#last.roomAt;
    if (this.#before === undefined) return;
    const starts = Math.max(1, this.#last.admitted - this.#before.admitted);
    this.intervalMs = (this.#last.roomAt - this.#before.roomAt) / starts;
    this.#patience = Math.min(FACTOR * STARTS_PER_REFUSAL, FEW * starts);
    this.#nextAt += this.intervalMs;
  }
}
