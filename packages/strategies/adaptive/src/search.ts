import { findingOf, type LearnedResource, measuredOf } from './learned.js';
import { type Comparison, isFull, kneeOf, type Level, Levels, SAME } from './levels.js';
import type { Finding } from './trial.js';

/**
 * How many run at once before anything is known: more than most servers need to be busy, and few
 * enough to be no flood for one that takes fewer.
 */
export const START = 16;
/** How much throughput may be missing before a level counts as worse, as a logarithm. */
const NEARLY = Math.log(0.9);
/** A latency that changed by this factor at the same level is another server's, as a logarithm. */
const CHANGED = Math.log(1.6);
/** How many trials a limit is held before a neighbour is tried. */
const PATIENCE = 2;
/** Trials of a neighbour that may leave open whether it is better. */
const MAX_DOUBTS = 4;
/** Rounds of tasks that must be left for a look above, and below, to pay. */
const ROUNDS_ABOVE = 6;
const ROUNDS_BELOW = 2;

export type Known = Pick<LearnedResource, 'limit' | 'isSettled' | 'ceiling' | 'measured'>;

export type Phase = 'growing' | 'shrinking' | 'holding' | 'trying';

/**
 * Looks for the limit with the highest throughput: doubles it while throughput grows with it, halves
 * it while throughput does not suffer, then holds it, and tries its neighbours from time to time, as
 * long as enough tasks are left for that to pay.
 */
export class Search {
  limit: number;
  phase: Phase = 'growing';
  /** Why the limit is what it is. */
  reason = 'it is where every run starts';

  readonly #max: number;
  readonly #threshold: number;
  readonly #levels = new Levels();
  /** The level to beat. */
  #best: Level | undefined;
  /** Whether nothing has been tried below the best level. */
  #isLowest = true;
  /** Trials that the limit has been held for. */
  #held = 0;
  /** Trials that could not tell whether a raise was worth it. */
  #doubts = 0;
  /** Tasks that have not started. */
  #waiting = 0;
  /** More than this was refused, and by how much the next attempt goes beyond it. */
  #ceiling = Number.POSITIVE_INFINITY;
  #step = 0;
  /** Of more, some are not answered in time: that costs too much to be tried again. */
  #mostSafe = Number.POSITIVE_INFINITY;

  /** @param known Where an earlier run ended. */
  constructor(max: number, threshold: number, known?: Known) {
    this.limit = Math.min(known?.limit ?? START, max);
    if (known?.isSettled) this.phase = 'holding';
    if (known?.ceiling !== undefined) this.#ceiling = this.#mostSafe = known.ceiling;
    if (known?.measured !== undefined) this.#best = this.#levels.add(findingOf(known.measured));
    this.#max = max;
    this.#threshold = threshold;
  }

  /** The limit that is known to be good, and whether a higher one is known not to be better. */
  get known(): Known {
    const isSettled = this.phase !== 'growing';
    const limit = isSettled ? Math.round(this.#best?.level ?? this.limit) : this.limit;
    return {
      ...{ limit: Math.max(1, Math.min(limit, this.#max)), isSettled },
      ...(Number.isFinite(this.#mostSafe) && { ceiling: this.#mostSafe }),
      ...(!isSettled && this.#best !== undefined && { measured: measuredOf(this.#best) }),
    };
  }

  /** Whether a raise that is being tried has already failed, whatever comes. */
  isFutile(glimpse: Finding): boolean {
    if (this.phase !== 'growing' || this.#best === undefined) return false;
    const { more, gain, error } = this.#levels.compare(this.#best, glimpse);
    // It is asked after each answer: chance must not be given so many chances.
    return more > SAME && gain + 1.5 * error < 0.25 * this.#wanted(more);
  }

  /**
   * A trial of the limit has ended.
   *
   * @param waiting How many tasks have not started.
   */
  judge(found: Finding, waiting: number): void {
    this.#waiting = waiting;
    const best = this.#best;
    const here = this.#levels.add(found);
    if (best === undefined) {
      if (this.phase === 'holding') this.#best = here;
      else if (this.phase === 'shrinking') this.#shrink(here, 'the server has become slower');
      else if (isFull(found)) this.#grow(here, 'it is only the start');
      return;
    }
    const beside = this.#levels.compare(best, found);
    if (beside.error === Number.POSITIVE_INFINITY || this.#isAnother(found, beside)) return;
    if (this.phase === 'growing') this.#grew(here, best);
    else if (!isFull(found)) return;
    else if (this.phase === 'shrinking') this.#shrank(here, best, beside);
    else if (this.phase === 'trying') this.#tried(here, best, beside);
    else this.#watch(here);
  }

  /** A request was refused while so many others were in flight. */
  refused(inFlight: number): void {
    const limit = Math.max(1, inFlight);
    if (limit > this.limit) return;
    this.#ceiling = limit;
    this.#step = 0;
    this.#cut(limit, 'more were refused');
  }

  /** Requests were not answered in time that had started beside so many others, or more. */
  lost(beside: number): void {
    const limit = Math.max(1, beside);
    this.#mostSafe = Math.min(this.#mostSafe, limit);
    this.#ceiling = Math.min(this.#ceiling, limit);
    if (limit < this.limit) this.#cut(limit, 'more were not answered in time');
  }

  // --- What a trial says ---

  /** Whether the server is not the one any more that the levels are known of. */
  #isAnother(found: Finding, { more, slower, error }: Comparison): boolean {
    // No server gets slower when it has less to do.
    if (more < SAME && slower - 2.5 * error > CHANGED + Math.max(0, 2 * more)) {
      // What was found is of both servers, and is no measure for the new one.
      this.#levels.cut(0);
      this.#best = undefined;
      // Where too few tasks were ready, it is not the limit that is too high.
      const limit = isFull(found) ? found.level / 2 : this.limit;
      this.#to(limit, 'shrinking', 'the server has become slower');
      return true;
    }
    if (Math.abs(more) <= SAME && -slower - 2 * error > CHANGED) {
      this.#grow(this.#levels.restart(found), 'the server has become faster');
      return true;
    }
    return false;
  }

  /** The limit was raised: enough came of it, or too little, or it is too early to say. */
  #grew(here: Level, best: Level): void {
    const { more, slower, gain, error } = this.#levels.compare(best, here);
    if (more <= SAME) return;
    const wanted = this.#wanted(more);
    if (gain >= wanted) {
      if (isFull(here)) this.#grow(here, 'throughput grows with it', Math.max(0, slower));
    } else if (gain + 1.5 * error >= wanted && (slower < error || this.#doubts === 0)) {
      if (isFull(here) && this.#doubts++ > 0) this.#raise(here, 'nothing speaks against it');
    } else if (this.#isLowest && gain + 0.5 * error < 0.25 * wanted) {
      this.#to(best.level / 2, 'shrinking', 'more at once brought no more');
    } else if (gain + error < NEARLY) this.#hold(best, 'throughput fell');
    else this.#hold(kneeOf(best, here, gain), 'more at once brought hardly more');
  }

  #shrank(here: Level, best: Level, { gain }: Comparison): void {
    if (gain < 2 * NEARLY) {
      this.#hold(best, 'fewer at once brought less');
      return;
    }
    this.#shrink(here, 'fewer at once bring as much');
  }

  #tried(here: Level, best: Level, { more, gain, error }: Comparison): void {
    const wanted = this.#wanted(more);
    if (this.limit < best.level) {
      if (gain - error >= NEARLY) this.#hold(here, 'fewer at once bring as much');
      else this.#hold(best, 'fewer at once brought less');
    } else if (gain + error >= wanted && gain - error < wanted && this.#doubts++ < MAX_DOUBTS) {
      return;
    } else if (gain >= wanted) this.#grow(here, 'throughput grows with it');
    else if (gain <= error) this.#hold(best, 'more at once brought hardly more');
    else this.#hold(kneeOf(best, here, gain), 'more at once brought a little more');
  }

  /** The limit is held: whether it is still the best that is known, and what to try next. */
  #watch(here: Level): void {
    this.#best = here;
    const better = this.#levels.all.find((other) => {
      const { gain, error } = this.#levels.compare(here, other);
      return gain - error > -NEARLY;
    });
    if (better !== undefined) this.#hold(better, 'it brought more');
    else if (++this.#held >= PATIENCE) {
      const rounds = this.#waiting / this.limit;
      if (!this.#isTop(here)) {
        if (rounds > ROUNDS_ABOVE) this.#tryMore(here);
      } else if (
        rounds > ROUNDS_BELOW &&
        this.limit > 1 &&
        !this.#levels.isKnown(here, 1 / 2.1, 1 / 1.1)
      ) {
        this.#to(here.level / 1.5, 'trying', 'fewer at once may bring as much');
      }
    }
  }

  /** Whether more at once cannot be, or are known not to be, worth it. */
  #isTop(here: Level): boolean {
    if (this.limit >= Math.min(this.#max, this.#mostSafe)) return true;
    return this.#levels.all.some((other) => {
      const { more, gain, error } = this.#levels.compare(here, other);
      const isNext = more > Math.log(1.1) && more < Math.log(2.1);
      return isNext && gain + 0.5 * error < this.#wanted(more);
    });
  }

  /** What a raise must bring to be kept. */
  #wanted(more: number): number {
    return Math.log(1 + this.#threshold * Math.max(0, Math.exp(more) - 1));
  }

  // --- What follows ---

  #grow(here: Level, reason: string, slower = 0): void {
    this.#isLowest = this.#best === undefined;
    this.#best = here;
    this.#raise(here, reason, slower);
  }

  /** Doubles the limit, or less where latency has grown: what has become slower is queueing. */
  #raise({ level }: Level, reason: string, slower = 0): void {
    this.#doubts = 0;
    const room = 2 * level * Math.exp(-1.5 * slower);
    const next = Math.max(this.limit, Math.min(2 * this.limit, room));
    if (this.limit >= this.#max) this.#to(this.#max, 'holding', 'it is the most allowed');
    else if (next > this.#ceiling) this.#to(this.#ceiling, 'holding', 'more were refused');
    else this.#to(next, 'growing', reason);
  }

  #shrink(here: Level, reason: string): void {
    this.#best = here;
    this.#to(here.level / 2, 'shrinking', reason);
  }

  #tryMore({ level }: Level): void {
    this.#held = 0;
    if (this.limit < this.#ceiling) {
      const next = Math.min(this.#ceiling, Math.ceil(1.5 * level));
      this.#doubts = 0;
      this.#to(next, 'trying', 'more at once may bring more');
      return;
    }
    this.#step = Math.max(1, 2 * this.#step);
    this.#ceiling = Math.min(this.#mostSafe, this.#ceiling + this.#step);
    this.#to(this.#ceiling, 'holding', 'more may be taken by now');
  }

  #hold(best: Level, reason: string): void {
    this.#best = best;
    this.#held = 0;
    this.#to(isFull(best) ? best.level : best.limit, 'holding', reason);
  }

  #cut(limit: number, reason: string): void {
    this.#levels.cut(limit);
    if (this.#best !== undefined && this.#best.level > limit) this.#best = this.#levels.all.at(-1);
    this.#held = 0;
    this.#to(limit, 'holding', reason);
  }

  #to(limit: number, phase: Phase, reason: string): void {
    this.limit = Math.max(1, Math.min(this.#max, Math.round(limit)));
    const stays = this.limit === Math.round(this.#best?.level ?? 0) && phase !== 'growing';
    this.phase = stays ? 'holding' : phase;
    this.reason = reason;
  }
}
