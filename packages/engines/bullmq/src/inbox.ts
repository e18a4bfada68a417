import type { Json } from '@stratagem/core/journal';

/** A report as it arrived; undefined for an end that the queue has. */
type Arrived = Json | undefined;

/**
 * Puts the reports about one attempt into order. They come from one session at a time: the newest one that
 * began, because another worker may have taken the attempt over.
 */
export class Inbox {
  /** The session whose reports count. */
  session: string | undefined;
  /** Every report up to this number was given out. */
  delivered = 0;
  readonly #retired = new Set<string>();
  readonly #early = new Map<number, Arrived>();

  /** Whether something is missing before a report that has arrived. */
  get hasGap(): boolean {
    return this.#early.size > 0;
  }

  /**
   * Takes a report, and returns those that are next.
   *
   * @returns undefined when it belongs to a session whose beginning was missed.
   */
  take(session: string, n: number, report: Arrived): readonly Arrived[] | undefined {
    if (session !== this.session) {
      if (this.#retired.has(session)) return [];
      if (n !== 1) return undefined;
      if (this.session !== undefined) this.#retired.add(this.session);
      this.session = session;
      this.delivered = 0;
      this.#early.clear();
    }
    if (n <= this.delivered) return [];
    this.#early.set(n, report);
    const next: Arrived[] = [];
    while (this.#early.has(this.delivered + 1)) {
      next.push(this.#early.get(++this.delivered));
      this.#early.delete(this.delivered);
    }
    return next;
  }
}
