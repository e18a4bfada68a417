/** Of so many starts one may be refused: that is how a limit that is not announced is felt out. */
const STARTS_PER_REFUSAL = 30;
/** How many starts may go without a refusal before there seems to be room for more; fewer, */
const PATIENCE = 1.5 * STARTS_PER_REFUSAL;
/** by so many for each start that the interval is from, where that is hardly known. */
const PATIENCE_PER_START = 5;
/** With so many starts between refusals, these cost too little to slow down for. */
const RARE = 20;
/** The interval is that of about the last so many starts; of fewer than the second it is chance. */
const WINDOW = 24;
const FEW = 4;

/** A time at which the server was full. */
interface Full {
  /** When it said that there would be room. */
  roomAt: number;
  /** How many it had let in by then. */
  admitted: number;
}

/**
 * Keeps to a limit per time that is not announced, by what refusals tell. A refusal says when there
 * is room for the next request; between two refusals that time moves on by one interval per request
 * that was let in, so two of them give the interval.
 */
export class RatePacer {
  /** Time between starts; 0 while there is no need for any. */
  intervalMs = 0;
  #nextAt = Number.NEGATIVE_INFINITY;
  /** The last refusals, oldest first. */
  readonly #fulls: Full[] = [];
  #refusedAt = Number.NEGATIVE_INFINITY;
  /** How long the server takes to refuse. */
  #refusalMs = 0;
  /** Starts that were not refused, in all and since the last refusal. */
  #admitted = 0;
  #since = 0;
  /** How many may start together while the interval is unknown; doubles while they are let in. */
  #together = 0;
  #inGroup = 0;
  /** How many were let in between refusals, where those are rare. */
  #allowed = 0;
  /** How many were let in before the first refusal, and the interval after those. */
  #burst: number | undefined;
  #knownMs: number | undefined;
  /** How many starts without a refusal are no news. */
  #patience = PATIENCE;

  constructor({ burst, intervalMs }: { burst?: number; intervalMs?: number } = {}) {
    this.#burst = burst;
    this.#knownMs = intervalMs;
    if (burst !== undefined && intervalMs === undefined) this.#allowed = burst;
  }

  learned(): { burst?: number; intervalMs?: number } {
    const intervalMs = this.intervalMs > 0 ? this.intervalMs : this.#knownMs;
    return {
      ...(this.#burst !== undefined && { burst: this.#burst }),
      ...(intervalMs !== undefined && { intervalMs }),
    };
  }

  /** When the next request may start. */
  availableAt(now: number): number {
    return Math.max(now, this.#nextAt);
  }

  started(now: number): void {
    this.#admitted++;
    this.#since++;
    if (this.#knownMs !== undefined && this.#admitted === this.#burst) this.#useKnown(now);
    if (this.intervalMs > 0) {
      // Where no refusal came although it was due, there is room for more.
      const overdue = this.#since - this.#patience;
      if (overdue > 0 && overdue % 6 === 0) this.intervalMs /= 1.5;
      const interval = this.intervalMs * (1 - 1 / STARTS_PER_REFUSAL);
      this.#nextAt = Math.max(now, this.#nextAt) + interval;
    } else if (this.#together > 0 && ++this.#inGroup >= this.#together) {
      this.#inGroup = 0;
      this.#together *= 2;
      this.#nextAt = now + 1.5 * this.#refusalMs;
      if (this.#together > 64) this.#together = 0;
    } else if (this.#since === this.#allowed) {
      // As many as last time: from here on few at a time, until it shows that there is no limit yet.
      this.#inGroup = 0;
      this.#together = 1;
      this.#nextAt = now + 1.5 * this.#refusalMs;
    }
  }

  /** The server asked to wait, for reasons that are known otherwise. */
  wait(until: number): void {
    this.#nextAt = Math.max(this.#nextAt, until);
  }

  #useKnown(now: number): void {
    this.intervalMs = this.#knownMs as number;
    this.#nextAt = now;
  }

  /**
   * @param startedAt When the refused request started.
   * @param roomAt When there will be room, by the server's word.
   */
  refused(startedAt: number, roomAt: number, now: number): void {
    this.#refusalMs = now - startedAt;
    this.#admitted--;
    this.#burst ??= Math.max(1, this.#admitted);
    this.#knownMs = undefined;
    const last = this.#fulls.at(-1);
    if (last !== undefined && startedAt <= this.#refusedAt) {
      // Sent before the last refusal was heard: it is part of that.
      last.admitted--;
      last.roomAt = Math.max(last.roomAt, roomAt);
    } else {
      this.#refusedAt = now;
      this.#since = 0;
      this.#inGroup = 0;
      this.#fulls.push({ roomAt, admitted: this.#admitted });
    }
    this.#settle();
  }

  #settle(): void {
    const fulls = this.#fulls;
    const last = fulls.at(-1) as Full;
    while (last.admitted - (fulls[1]?.admitted ?? last.admitted) >= WINDOW) fulls.shift();
    const before = fulls.at(-2);
    this.#nextAt = last.roomAt;
    this.#together = 1;
    if (before === undefined) return;
    const newest = last.admitted - before.admitted;
    const isRare = newest >= RARE && this.intervalMs === 0;
    this.#allowed = isRare ? newest : 0;
    this.#together = isRare ? 0 : 1;
    if (isRare) return;
    const from = newest >= FEW ? before : (fulls[0] as Full);
    const starts = Math.max(1, last.admitted - from.admitted);
    this.intervalMs = (last.roomAt - from.roomAt) / starts;
    this.#patience = Math.min(PATIENCE, PATIENCE_PER_START * starts);
    this.#nextAt += this.intervalMs;
  }
}
