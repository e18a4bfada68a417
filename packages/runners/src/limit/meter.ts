import type { RateLimit } from '@stratagem/core';
import { SlidingWindow } from './sliding-window.js';
import { TokenBucket } from './token-bucket.js';

const MINUTE_MS = 60_000;
/**
 * The share of a limit that is used. The rest is a reserve for requests that arrive closer together
 * than they were sent.
 */
const USED_SHARE = 0.98;
/** Use by other clients below this share of the limit is ignored, because counts are never exact. */
const SLACK_SHARE = 0.05;
/** Without other clients, this process always leaves more than this share of the limit. */
const NEARLY_EMPTY_SHARE = 0.01;
/** How closely a reset time must match a bucket that refills evenly. */
const REFILL_TOLERANCE_MS = 6_000;

/** The state of a meter when a request was sent, to interpret what its response announces. */
export interface MeterReading {
  readonly at: number;
  /** Everything taken so far, including this request. */
  readonly taken: number;
  /** Everything taken in the last minute, including this request. */
  readonly used: number;
}

/**
 * Keeps one quantity, such as requests or tokens, within a limit per minute: the lower one of the
 * user's and the server's.
 * All times are in milliseconds; the caller passes the current time.
 */
export class Meter {
  readonly #given: number;
  #burstMs: number;
  readonly #window = new SlidingWindow();
  #announced = Number.POSITIVE_INFINITY;
  #bucket: TokenBucket | undefined;
  /** The rate that the bucket is configured for. */
  #configured = Number.POSITIVE_INFINITY;
  #taken = 0;
  /** What is left until a time, when other clients use the limit too. */
  #quota: { left: number; readonly until: number } | undefined;
  /** The `taken` of the newest request whose response has announced a limit. */
  #newest = 0;

  constructor(perMinute: number, burstMs: number) {
    this.#given = perMinute;
    this.#burstMs = burstMs;
    this.#configuredBucket(1, 0);
  }

  /** The limit per minute; Infinity while there is none. */
  get limit(): number {
    return Math.min(this.#given, this.#announced);
  }

  /** How much of the limit is used per minute at this pace; Infinity while there is no limit. */
  perMinute(pace: number): number {
    return this.limit * pace * USED_SHARE;
  }

  /** How much may be taken at once after an idle period, beyond one request. */
  burstAt(pace: number): number {
    const perMinute = this.perMinute(pace);
    return perMinute === Number.POSITIVE_INFINITY ? 0 : (perMinute / MINUTE_MS) * this.#burstMs;
  }

  /** Changes what may be taken at once from now on. */
  setBurst(burstMs: number): void {
    if (burstMs === this.#burstMs) return;
    this.#burstMs = burstMs;
    // The bucket is configured again.
    if (this.#bucket !== undefined) this.#configured = Number.NaN;
  }

  /** How long until this amount may be taken. */
  waitMs(amount: number, pace: number, now: number): number {
    if (this.limit === Number.POSITIVE_INFINITY) return 0;
    return Math.max(
      this.leastWaitMs(amount, 0, pace, now),
      this.#window.waitMs(amount, this.limit, now),
    );
  }

  /** The minimum time until this amount may be taken, after `ahead` has been taken first. */
  leastWaitMs(amount: number, ahead: number, pace: number, now: number): number {
    const paced = this.#configuredBucket(pace, now)?.waitMs(ahead, now) ?? 0;
    const quota = this.#quota;
    if (quota === undefined || now >= quota.until || ahead + amount <= quota.left) return paced;
    return Math.max(paced, quota.until - now);
  }

  /** Requests that had to wait came later than they could, by so much. */
  recordLate(ms: number, now: number): void {
    this.#bucket?.keepLate(ms, now);
  }

  take(amount: number, now: number): MeterReading {
    this.#bucket?.take(amount, now);
    this.#window.add(amount, now, now);
    this.#taken += amount;
    if (this.#quota !== undefined) this.#quota.left -= amount;
    return { at: now, taken: this.#taken, used: this.#window.sum(now) };
  }

  /** Adds the difference between the actual and the estimated amount of a request. */
  correct(amount: number, { at }: MeterReading, now: number): void {
    this.#bucket?.take(amount, now);
    this.#window.add(amount, at, now);
  }

  /**
   * Applies what a response announces about the limit.
   *
   * @param reading The reading of the request that was answered.
   * @returns Whether the limit is lower now.
   */
  applyAnnouncement(
    { limit, remaining, resetMs }: RateLimit,
    reading: MeterReading,
    now: number,
  ): boolean {
    // The late response to an earlier request has outdated numbers.
    if (reading.taken < this.#newest) return false;
    this.#newest = reading.taken;
    const before = this.limit;
    if (isCount(limit) && limit > 0) this.#announced = limit;
    if (isCount(remaining)) this.#applyRemaining(remaining, resetMs, reading, now);
    return this.limit < before;
  }

  /** When less remains than this process has left, other clients use the limit too. */
  #applyRemaining(
    remaining: number,
    resetMs: number | undefined,
    reading: MeterReading,
    now: number,
  ): void {
    this.#quota = undefined;
    const total = this.#announced === Number.POSITIVE_INFINITY ? this.#given : this.#announced;
    if (total === Number.POSITIVE_INFINITY) return;
    // Taken since that request was sent: the server may or may not have counted it yet.
    const takenSince = this.#taken - reading.taken;
    const left = remaining - takenSince;
    const byOthers = total - remaining - reading.used - takenSince;
    const isMinor = byOthers <= Math.max(1, total * SLACK_SHARE);
    if (isMinor && left >= total * NEARLY_EMPTY_SHARE) return;
    const perMs = total / MINUTE_MS;
    const refillMs = (total - remaining) / perMs;
    if (!isCount(resetMs) || Math.abs(resetMs - refillMs) <= REFILL_TOLERANCE_MS) {
      this.#bucket?.lowerTo(left + (now - reading.at) * perMs, now);
    } else {
      // The reset time counts from when the request was sent. Longer limits than a minute are left
      // to the server: its refusal is more useful than a wait of hours here.
      const until = reading.at + Math.min(resetMs, MINUTE_MS);
      if (until > now) this.#quota = { left, until };
    }
  }

  /** The bucket, configured for the current limit and pace; undefined while there is no limit. */
  #configuredBucket(pace: number, now: number): TokenBucket | undefined {
    const perMinute = this.perMinute(pace);
    if (perMinute === this.#configured) return this.#bucket;
    const perMs = perMinute / MINUTE_MS;
    const capacity = 1 + perMs * this.#burstMs;
    this.#configured = perMinute;
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
