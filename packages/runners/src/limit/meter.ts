import type { RateLimit } from '@stratagem/core';
import { SlidingWindow } from './sliding-window.js';
import { TokenBucket } from './token-bucket.js';

const MINUTE_MS = 60_000;
/**
 * The part of a limit that is used. The rest makes up for requests that take longer on their way
 * than others, and so come closer together than they were sent.
 */
const USED_SHARE = 0.98;
/** Of a limit: less than this by others is no difference, as counts are always a little off. */
const SLACK_SHARE = 0.05;
/** Of a limit: alone, we would always leave more than this. */
const LITTLE_SHARE = 0.01;
/** How well the reset has to fit a bucket that refills evenly. */
const REFILL_TOLERANCE_MS = 6_000;

/** What a meter remembers about one request, for when its answer comes. */
export interface Mark {
  readonly at: number;
  /** All that had been taken by then, itself included. */
  readonly taken: number;
  /** What had been taken within the minute before, itself included. */
  readonly used: number;
}

/**
 * Keeps one quantity, requests or tokens, within a limit per minute: the user's, or the server's
 * where that is lower. Times are in milliseconds, and always given.
 */
export class Meter {
  readonly #own: number;
  readonly #burstMs: number;
  readonly #window = new SlidingWindow();
  #announced = Number.POSITIVE_INFINITY;
  #bucket: TokenBucket | undefined;
  /** What the bucket is set to. */
  #perMinute = Number.POSITIVE_INFINITY;
  #taken = 0;
  /** Until then there is no more than this, because others use the limit too. */
  #quota: { left: number; readonly until: number } | undefined;
  #newest = 0;

  constructor(perMinute: number, burstMs: number) {
    this.#own = perMinute;
    this.#burstMs = burstMs;
    this.#tuned(1, 0);
  }

  /** Per minute; Infinity while there is none. */
  get limit(): number {
    return Math.min(this.#own, this.#announced);
  }

  /** How long until this much may be taken. */
  waitMs(amount: number, pace: number, now: number): number {
    if (this.limit === Number.POSITIVE_INFINITY) return 0;
    return Math.max(
      this.leastWaitMs(amount, 0, pace, now),
      this.#window.waitMs(amount, this.limit, now),
    );
  }

  /** How long it takes at least until this much may be taken, after so much else has been. */
  leastWaitMs(amount: number, ahead: number, pace: number, now: number): number {
    const paced = this.#tuned(pace, now)?.waitMs(ahead, now) ?? 0;
    const quota = this.#quota;
    if (quota === undefined || now >= quota.until || ahead + amount <= quota.left) return paced;
    return Math.max(paced, quota.until - now);
  }

  take(amount: number, now: number): Mark {
    this.#bucket?.take(amount, now);
    this.#window.add(amount, now, now);
    this.#taken += amount;
    if (this.#quota !== undefined) this.#quota.left -= amount;
    return { at: now, taken: this.#taken, used: this.#window.sum(now) };
  }

  /** The request took so much more than was thought; negative for less. */
  correct(amount: number, { at }: Mark, now: number): void {
    this.#bucket?.take(amount, now);
    this.#window.add(amount, at, now);
  }

  /** @returns Whether the limit is lower now. */
  announced({ limit, remaining, resetMs }: RateLimit, mark: Mark, now: number): boolean {
    // An earlier request that was answered later knows less.
    if (mark.taken < this.#newest) return false;
    this.#newest = mark.taken;
    const before = this.limit;
    if (isCount(limit) && limit > 0) this.#announced = limit;
    if (isCount(remaining)) this.#share(remaining, resetMs, mark, now);
    return this.limit < before;
  }

  /** Others may use the limit as well: then less remains than what we left of it. */
  #share(remaining: number, resetMs: number | undefined, mark: Mark, now: number): void {
    this.#quota = undefined;
    const total = this.#announced === Number.POSITIVE_INFINITY ? this.#own : this.#announced;
    if (total === Number.POSITIVE_INFINITY) return;
    // Sent since then: the server may have counted them already, or not.
    const unknown = this.#taken - mark.taken;
    const left = remaining - unknown;
    const byOthers = total - remaining - mark.used - unknown;
    if (byOthers <= Math.max(1, total * SLACK_SHARE) && left >= total * LITTLE_SHARE) return;
    const perMs = total / MINUTE_MS;
    const refillMs = (total - remaining) / perMs;
    if (!isCount(resetMs) || Math.abs(resetMs - refillMs) <= REFILL_TOLERANCE_MS) {
      this.#bucket?.lowerTo(left + (now - mark.at) * perMs, now);
    } else {
      // Counted from when it was sent: an answer takes its time. A limit over longer than a minute
      // is for the server to enforce: its own refusal says more than a wait of hours here.
      const until = mark.at + Math.min(resetMs, MINUTE_MS);
      if (until > now) this.#quota = { left, until };
    }
  }

  /** The bucket, set to the limit and pace of now. */
  #tuned(pace: number, now: number): TokenBucket | undefined {
    const perMinute = this.limit * pace * USED_SHARE;
    if (perMinute === this.#perMinute) return this.#bucket;
    const perMs = perMinute / MINUTE_MS;
    const capacity = 1 + perMs * this.#burstMs;
    this.#perMinute = perMinute;
    if (this.#bucket === undefined) {
      this.#bucket = new TokenBucket(perMs, capacity, now);
    } else {
      this.#bucket.configure(perMs, capacity, now);
    }
    return this.#bucket;
  }
}

function isCount(value: number | undefined): value is number {
  return value !== undefined && Number.isFinite(value) && value >= 0;
}
