import type { RateLimit } from '@stratagem/core';

/** What a server announces: how much is left, and how it comes back. */
interface Announcement {
  readonly limit: number;
  readonly remaining: number;
  readonly resetMs: number;
  readonly at: number;
}

/**
 * One limit as a server announces it: so much is left now, and more comes back. Two kinds of limits
 * read alike: a bucket, which refills evenly and whose reset moves with every request, and a window,
 * which is whole again at a fixed time. Which of them it is shows from one answer to the next.
 */
export class QuotaWindow {
  #last: Announcement | undefined;
  #level = Number.POSITIVE_INFINITY;
  #updatedAt = 0;
  /** How far off either kind was in foretelling the resets, in milliseconds. */
  #bucketError = 0;
  #windowError = 0;
  /** The longest time to a reset that was announced. */
  #windowMs = 0;

  /**
   * @param takenSince How much has been asked for since the request that this answers started. The
   * server may or may not have counted it.
   */
  announced({ limit, remaining, resetMs }: RateLimit, takenSince: number, now: number): void {
    if (remaining === undefined) return;
    this.#refill(now);
    const last = this.#last;
    const known = limit ?? last?.limit ?? remaining;
    this.#last = { limit: Math.max(known, remaining), remaining, resetMs: resetMs ?? 0, at: now };
    this.#windowMs = Math.max(this.#windowMs, resetMs ?? 0);
    if (last !== undefined) this.#compare(last, this.#last);
    // Of a bucket, a part of one may be there that is not told.
    const most = this.#isWindow ? remaining : remaining + 1;
    this.#level = Math.min(most, Math.max(this.#level, remaining - takenSince));
    if (last === undefined) this.#level = remaining;
  }

  take(amount: number, now: number): void {
    this.#refill(now);
    this.#level -= amount;
  }

  /** When so much will be there. */
  availableAt(amount: number, now: number): number {
    this.#refill(now);
    const last = this.#last;
    // What is more than a whole allowance is let in when that is there.
    if (last === undefined || this.#level >= Math.min(amount, last.limit)) return now;
    if (this.#isWindow) {
      const resetAt = last.at + last.resetMs;
      // What is over is a window that has passed: the next one is as long as the longest that was seen.
      return resetAt > now ? resetAt : resetAt + this.#windowMs;
    }
    const rate = this.#perMs;
    return rate > 0 ? now + (Math.min(amount, last.limit) - this.#level) / rate : now;
  }

  get #isWindow(): boolean {
    return this.#windowError < this.#bucketError;
  }

  get #perMs(): number {
    const { limit, remaining, resetMs } = this.#last as Announcement;
    return resetMs > 0 ? (limit - remaining) / resetMs : 0;
  }

  #refill(now: number): void {
    const last = this.#last;
    const passed = now - this.#updatedAt;
    this.#updatedAt = now;
    if (last === undefined || passed <= 0) return;
    if (!this.#isWindow) {
      this.#level = Math.min(last.limit, this.#level + passed * this.#perMs);
    } else if (now >= last.at + last.resetMs && now - passed < last.at + last.resetMs) {
      this.#level = last.limit;
    }
  }

  #compare(last: Announcement, next: Announcement): void {
    const used = last.limit - last.remaining;
    if (used <= 0 || last.resetMs <= 0 || last.limit !== next.limit) return;
    const elapsed = next.at - last.at;
    // After the reset it is another window, and says nothing about the last one.
    if (elapsed >= last.resetMs) return;
    // Of a bucket, a part of one more is there that is not told, and so is the time that it took.
    const untoldMs = last.resetMs / used;
    const bucket = (next.limit - next.remaining) * untoldMs;
    this.#bucketError += Math.max(0, Math.abs(next.resetMs - bucket) - untoldMs);
    this.#windowError += Math.abs(next.resetMs - (last.resetMs - elapsed));
  }
}
