import { compare, type Latencies, merge, scale } from './latencies.js';
import type { Finding } from './trial.js';

/** How much of the best rate may be missing before a level counts as worse, as a logarithm. */
const NEARLY = Math.log(0.9);
/** A latency at the same level that has changed by this factor is another server's, as a logarithm. */
const CHANGED = Math.log(1.6);
/** Levels this close are the same, as a logarithm. */
const SAME = Math.log(1.18);
/**
 * How many run at once before anything is known. What a server takes at the least, and few enough
 * not to be a flood for one that takes fewer.
 */
const START = 12;
const PATIENCE = 2;
const MAX_PATIENCE = 16;
/** For how many trials a finding is remembered. */
const MEMORY = 12;

type Phase = 'growing' | 'shrinking' | 'holding' | 'trying';

/** What was found at a level, and when last. */
interface Known extends Finding {
  readonly trial: number;
}

/**
 * Looks for the limit with the highest throughput. Doubles it while throughput grows with it, halves
 * it while throughput does not suffer, then stays, and tries its neighbours from time to time.
 */
export class Search {
  limit: number;
  phase: Phase = 'growing';
  /** Why the limit is what it is. */
  reason = 'it is where every run starts';

  readonly #max: number;
  readonly #threshold: number;
  #known: Known[] = [];
  /** The level to beat. */
  #best: Known | undefined;
  #trials = 0;
  /** Deviation of the logarithms of latencies, and how many that is from. */
  #spread = 0.4;
  #spreadCount = 8;
  /** Whether nothing is known below the best level. */
  #isFirst = true;
  /** How many trials to hold before trying a neighbour. */
  #patience = PATIENCE;
  #held = 0;
  #tryUp = true;
  /** Trials that could not tell whether a raise was worth it. */
  #doubts = 0;
  /** How much above a ceiling to try. */
  #step = 0;
  /** More than this was refused. */
  #ceiling = Number.POSITIVE_INFINITY;

  /** @param known Where an earlier run ended. */
  constructor(max: number, threshold: number, known?: { limit: number; isSettled: boolean }) {
    this.limit = Math.min(known?.limit ?? START, max);
    if (known?.isSettled) this.phase = 'holding';
    this.#max = max;
    this.#threshold = threshold;
  }

  /** The limit that is known to be good, and whether a higher one is known not to be better. */
  get known(): { limit: number; isSettled: boolean } {
    const limit = Math.max(1, Math.round(this.#best?.level ?? this.limit));
    return { limit: Math.min(limit, this.#max), isSettled: this.phase !== 'growing' };
  }

  /** A trial of the limit has ended. */
  judge(found: Finding): void {
    this.#trials++;
    this.#learnSpread(found.latencies);
    const best = this.#best;
    if (best === undefined) {
      const here = this.#remember(found);
      if (this.phase === 'holding') this.#best = here;
      else if (found.level >= 0.75 * this.limit) this.#grow(here, 'it is only the start');
      return;
    }
    const isFull = found.level >= 0.75 * this.limit;
    const here = this.#remember(found);
    const { slower, error } = this.#compare(best, found);
    if (error === Number.POSITIVE_INFINITY) return;
    const more = Math.log(found.level / best.level);
    // By how much throughput has changed.
    const change = more - slower;
    if (more < SAME && slower - 2.5 * error > CHANGED + Math.max(0, 2 * more)) {
      this.#forget();
      this.#best = this.#remember(found);
      this.#to(found.level / 2, 'shrinking', 'the server has become slower');
      return;
    }
    if (Math.abs(more) <= SAME && -slower - 2 * error > CHANGED) {
      this.#forget();
      this.#grow(this.#remember(found), 'the server has become faster');
      return;
    }
    switch (this.phase) {
      case 'growing':
        if (more > SAME) this.#grew(here, best, isFull);
        break;
      case 'shrinking':
        if (!isFull) return;
        if (change - error >= 2 * NEARLY) {
          this.#best = here;
          this.#to(here.level / 2, 'shrinking', 'fewer at once bring as much');
        } else this.#hold(best, 'fewer at once brought less');
        break;
      case 'trying':
        if (isFull) this.#tried(here, best, change, error);
        break;
      case 'holding':
        if (isFull) this.#watch(here);
    }
  }

  /** A request was refused while so many others were in flight. */
  refused(inFlight: number): void {
    const limit = Math.max(1, inFlight);
    if (limit > this.limit) return;
    this.#ceiling = limit;
    this.#step = 0;
    this.#cut(limit, 'more were refused');
  }

  /** Requests were not answered in time. */
  timedOut(): void {
    this.#cut(Math.floor(this.limit / 2), 'requests were not answered in time');
  }

  #cut(limit: number, reason: string): void {
    this.#known = this.#known.filter(({ level }) => level <= limit);
    if (this.#best !== undefined && this.#best.level > limit) this.#best = this.#known.at(-1);
    this.#held = 0;
    this.#to(limit, 'holding', reason);
  }

  /** The level was raised: whether enough came of it, or too little, or it is too early to say. */
  #grew(here: Known, best: Known, isFull: boolean): void {
    const { slower, error } = this.#compare(best, here);
    const change = Math.log(here.level / best.level) - slower;
    const gain = this.#gainOf(here, best);
    if (change >= gain) {
      if (isFull) this.#grow(here, 'throughput grows with it', Math.max(0, slower));
    } else if (change + 1.5 * error >= gain && (slower < error || this.#doubts === 0)) {
      if (isFull && this.#doubts++ > 0) this.#raise(here, 0, 'nothing speaks against it');
    } else if (change + 1.5 * error < NEARLY) {
      const fell = 'throughput fell';
      if (this.#isFirst) this.#to(best.level / 2, 'shrinking', fell);
      else this.#hold(best, fell);
    } else this.#hold(this.#kneeOf(here, best, change), 'more at once brought hardly more');
  }

  /**
   * Where throughput stopped growing between two levels: what the higher one delivers, at the
   * latency of the lower one.
   */
  #kneeOf(here: Known, best: Known, change: number): Known {
    const level = Math.min(here.level, best.level * Math.max(1, Math.exp(change)));
    return { ...here, level, latencies: scale(here.latencies, Math.log(level / here.level)) };
  }

  #tried(here: Known, best: Known, change: number, error: number): void {
    const isUp = this.limit > best.level;
    if (isUp && change >= this.#gainOf(here, best)) {
      this.#grow(here, 'throughput grows with it');
      return;
    }
    if (isUp && change > error) {
      this.#patience = 1;
      this.#tryUp = true;
      this.#hold(this.#kneeOf(here, best, change), 'more at once brought a little more');
      return;
    }
    this.#patience = Math.min(MAX_PATIENCE, 2 * this.#patience);
    if (isUp) this.#hold(best, 'more at once brought hardly more');
    else if (change - error >= NEARLY) this.#hold(here, 'fewer at once bring as much');
    else this.#hold(best, 'fewer at once brought less');
  }

  #grow(here: Known, reason: string, slower = 0): void {
    this.#isFirst = this.#best === undefined;
    this.#best = here;
    this.#patience = PATIENCE;
    this.#raise(here, slower, reason);
  }

  /** Up to twice what is really worked on: what has become slower is queueing. */
  #raise({ level }: Known, slower: number, reason: string): void {
    this.#doubts = 0;
    const next = Math.max(this.limit, Math.min(2 * this.limit, 2 * level * Math.exp(-1.5 * slower)));
    if (this.limit >= this.#max) this.#to(this.#max, 'holding', 'it is the most allowed');
    else if (next > this.#ceiling) this.#to(this.#ceiling, 'holding', 'more were refused');
    else this.#to(next, 'growing', reason);
  }

  #hold(best: Known, reason: string): void {
    this.#best = best;
    this.#held = 0;
    this.#to(best.level, 'holding', reason);
  }

  #watch(here: Known): void {
    this.#best = here;
    for (const other of this.#known) {
      const { slower, error } = this.#compare(here, other);
      const change = Math.log(other.level / here.level) - slower;
      if (change - error > -NEARLY) {
        this.#hold(other, 'it brought more');
        return;
      }
    }
    if (++this.#held < this.#patience) return;
    this.#held = 0;
    if (this.#tryUp) {
      if (this.limit >= this.#ceiling) {
        this.#step = Math.max(1, 2 * this.#step);
        this.#ceiling += this.#step;
        this.#to(this.#ceiling, 'holding', 'more may be taken by now');
      } else {
        const next = Math.min(this.#ceiling, Math.ceil(1.5 * here.level));
        this.#to(next, 'trying', 'more at once may bring more');
      }
    } else this.#to(here.level / 1.5, 'trying', 'fewer at once may bring as much');
    this.#tryUp = !this.#tryUp;
  }

  #to(limit: number, phase: Phase, reason: string): void {
    this.limit = Math.max(1, Math.min(this.#max, Math.round(limit)));
    const stays = this.limit === Math.round(this.#best?.level ?? 0) && phase !== 'growing';
    this.phase = stays ? 'holding' : phase;
    this.reason = reason;
  }

  // --- What is known ---

  #forget(): void {
    this.#known = [];
    this.#patience = PATIENCE;
  }

  /** Adds to what is known of a level; what is known of others ages. */
  #remember(found: Finding): Known {
    const trial = this.#trials;
    let known: Known = { ...found, trial };
    this.#known = this.#known.filter((other) => {
      if (Math.abs(Math.log(other.level / found.level)) > SAME) return trial - other.trial < MEMORY;
      const level = Math.sqrt(other.level * found.level);
      known = { level, latencies: merge(other.latencies, found.latencies), trial };
      return false;
    });
    this.#known.push(known);
    return known;
  }

  /** By how much the second is slower, and the standard error of that. */
  #compare(before: Finding, after: Finding): { slower: number; error: number } {
    const { slower, weight } = compare(before.latencies, after.latencies);
    return { slower, error: (1.25 * Math.max(0.05, this.#spread)) / Math.sqrt(weight) };
  }

  #learnSpread(latencies: Latencies): void {
    for (const { spread, count } of latencies.values()) {
      if (count < 4) continue;
      this.#spreadCount = Math.min(100, this.#spreadCount + count);
      this.#spread += (count / this.#spreadCount) * (spread - this.#spread);
    }
  }

  /** What a raise must bring to be kept. */
  #gainOf(found: Finding, before: Finding): number {
    return Math.log(1 + this.#threshold * Math.max(0, found.level / before.level - 1));
  }
}
