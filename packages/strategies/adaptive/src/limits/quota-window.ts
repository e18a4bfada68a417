import type { RateLimit } from '@stratagem/core';

/** What an announcement means for a bucket, and for a window. */
interface Announcement {
  readonly limit: number;
  /** The rate at which a bucket refills. */
  readonly perMs: number;
  /** When a window ends. */
  readonly resetAt: number;
}

/**
 * One announced quota. There are two kinds with the same headers: a token bucket refills evenly, and
 * its reset moves with every request; a fixed window is full again at a fixed time. Successive
 * announcements show which kind it is.
 */
export class QuotaWindow {
  #last: Announcement | undefined;
  #level = Number.POSITIVE_INFINITY;
  /** The amount taken in total. */
  #taken = 0;
  #updatedAt = 0;
  /** The total prediction error of the resets under either kind, in milliseconds. */
  #bucketError = 0;
  #windowError = 0;
  /** The longest announced time until a reset. */
  #windowMs = 0;

  /**
   * Updates the level from an announcement.
   *
   * @param takenBefore The amount taken in total when the announcing request had started. The server may or may
   * not have counted what was taken since.
   */
  update(announced: RateLimit, takenBefore: number, now: number): void {
    const { remaining, resetMs = 0 } = announced;
    if (remaining === undefined) return;
    this.#refill(now);
    const last = this.#last;
    const limit = Math.max(announced.limit ?? last?.limit ?? 0, remaining);
    const used = limit - remaining;
    this.#last = { limit, perMs: resetMs > 0 ? used / resetMs : 0, resetAt: now + resetMs };
    this.#windowMs = Math.max(this.#windowMs, resetMs);
    // After a reset, the new window says nothing about the old one.
    if (last !== undefined && last.limit === limit && last.perMs > 0 && now < last.resetAt) {
      // `remaining` is rounded down, which makes the predicted reset inexact by the time of one unit.
      const error = Math.abs(resetMs - used / last.perMs) - 1 / last.perMs;
      this.#bucketError += Math.max(0, error);
      this.#windowError += Math.abs(this.#last.resetAt - last.resetAt);
    }
    const most = this.#isWindow ? remaining : remaining + 1;
    const least = remaining - (this.#taken - takenBefore);
    this.#level = last === undefined ? remaining : Math.min(most, Math.max(this.#level, least));
  }

  /** @returns The amount taken in total. */
  take(amount: number, now: number): number {
    this.#refill(now);
    this.#level -= amount;
    this.#taken += amount;
    return this.#taken;
  }

  /** When the quota will suffice for an amount. */
  availableAt(amount: number, now: number): number {
    this.#refill(now);
    if (this.#last === undefined) return now;
    const { limit, perMs, resetAt } = this.#last;
    // A request larger than the whole quota may start when the quota is full.
    const missing = Math.min(amount, limit) - this.#level;
    if (missing <= 0) return now;
    if (!this.#isWindow) return perMs > 0 ? now + missing / perMs : now;
    // If that window has passed, assume that the next one is as long as the longest seen.
    return resetAt > now ? resetAt : resetAt + this.#windowMs;
  }

  get #isWindow(): boolean {
    return this.#windowError < this.#bucketError;
  }

  #refill(now: number): void {
    const since = this.#updatedAt;
    this.#updatedAt = Math.max(since, now);
    if (this.#last === undefined) return;
    const { limit, perMs, resetAt } = this.#last;
    if (!this.#isWindow) {
      this.#level = Math.min(limit, this.#level + (this.#updatedAt - since) * perMs);
    } else if (since < resetAt && resetAt <= now) this.#level = limit;
  }
}
