import type { RateLimit } from '@stratagem/core';

/** An announcement of a server: the remaining quota and the time until it is full again. */
interface Announcement {
  readonly limit: number;
  readonly remaining: number;
  readonly resetMs: number;
  readonly at: number;
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
  update({ limit, remaining, resetMs }: RateLimit, takenBefore: number, now: number): void {
    if (remaining === undefined) return;
    this.#refill(now);
    const last = this.#last;
    const known = limit ?? last?.limit ?? remaining;
    this.#last = { limit: Math.max(known, remaining), remaining, resetMs: resetMs ?? 0, at: now };
    this.#windowMs = Math.max(this.#windowMs, resetMs ?? 0);
    if (last !== undefined) this.#compareKinds(last, this.#last);
    // A bucket may hold a fraction that the announcement rounds down.
    const most = this.#isWindow ? remaining : remaining + 1;
    this.#level = Math.min(most, Math.max(this.#level, remaining - (this.#taken - takenBefore)));
    if (last === undefined) this.#level = remaining;
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
    const last = this.#last;
    // A request larger than the whole quota may start when the quota is full.
    if (last === undefined || this.#level >= Math.min(amount, last.limit)) return now;
    if (this.#isWindow) {
      const resetAt = last.at + last.resetMs;
      // If that window has passed, assume that the next one is as long as the longest seen.
      return resetAt > now ? resetAt : resetAt + this.#windowMs;
    }
    const rate = this.#perMs;
    return rate > 0 ? now + (Math.min(amount, last.limit) - this.#level) / rate : now;
  }

  get #isWindow(): boolean {
    return this.#windowError < this.#bucketError;
  }

  /** The refill rate of the bucket. */
  get #perMs(): number {
    const { limit, remaining, resetMs } = this.#last as Announcement;
    return resetMs > 0 ? (limit - remaining) / resetMs : 0;
  }

  #refill(now: number): void {
    const last = this.#last;
    const elapsed = now - this.#updatedAt;
    this.#updatedAt = now;
    if (last === undefined || elapsed <= 0) return;
    if (!this.#isWindow) {
      this.#level = Math.min(last.limit, this.#level + elapsed * this.#perMs);
    } else if (now >= last.at + last.resetMs && now - elapsed < last.at + last.resetMs) {
      this.#level = last.limit;
    }
  }

  #compareKinds(last: Announcement, next: Announcement): void {
    const used = last.limit - last.remaining;
    if (used <= 0 || last.resetMs <= 0 || last.limit !== next.limit) return;
    const elapsed = next.at - last.at;
    // After a reset, the new window says nothing about the old one.
    if (elapsed >= last.resetMs) return;
    // Rounding `remaining` down makes the predicted reset inexact by the time of one unit.
    const perUnitMs = last.resetMs / used;
    const bucket = (next.limit - next.remaining) * perUnitMs;
    this.#bucketError += Math.max(0, Math.abs(next.resetMs - bucket) - perUnitMs);
    this.#windowError += Math.abs(next.resetMs - (last.resetMs - elapsed));
  }
}
