import { Belief } from './belief.js';
import type { LearnedResource } from './learned.js';
import type { Request } from './request.js';
import { Worth } from './worth.js';

/**
 * How many run at once before anything is known: more than most servers need to be busy, and few
 * enough to be no flood for one that takes fewer.
 */
export const START = 16;
/** The most that it goes to, whatever is allowed. */
const HIGHEST = 8_192;
/** How many limits within a factor of two are looked at. */
const PER_OCTAVE = 4;
/** How much better another limit must be to go there, up and down, as a logarithm. */
const BETTER_ABOVE = 0.05;
const BETTER_BELOW = 0.03;
/** How likely it may be that a limit slows requests down for twice of it to be tried, */
const DOUBT = 0.05;
/** how much likelier for every round that the question has been open, and at most. */
const DOUBT_A_ROUND = 0.3 * DOUBT;
const MOST_DOUBT = 0.25;
/** What part of a round must be answered to say so, and before the limit is raised again. */
const PROOF = 0.3;
const SOON = 0.2;
/** How much may be lost on average, as a logarithm, before it is worth to look at fewer at once. */
const UNSURE = 0.5;
/** Such a look is at this part of the limit, until so large a part of a round is answered. */
const LOOK = 0.5;
const LOOK_ANSWERS = 0.3;
/** After how many rounds without a refusal more than were refused are tried. */
const RELAX = 2;
/** How many rounds are remembered, and answers at least. */
const MEMORY = 8;
const MIN_MEMORY = 60;
/** How often in a round the limit is thought over. */
const THOUGHTS = 12;
/** Once so many were answered, such odds make the server another one, as a logarithm. */
const ENOUGH = 40;
const ANOTHER = 8;
/** To what part the limit goes then: what is in flight goes on to keep the server busy. */
const DROP = 4;

export type Known = Pick<LearnedResource, 'limit' | 'isSettled' | 'ceiling' | 'measured'>;

/** What there was to do when a request was answered. */
export interface Queue {
  /** How many were in flight with it. */
  readonly held: number;
  /** How many tasks could start if the limit let them. */
  readonly ready: number;
  /** How many tasks have not started, for whatever reason. */
  readonly waiting: number;
}

/**
 * Looks for the limit with the highest throughput: the one that is best on average over all
 * hypotheses about the server, each as likely as the answers make it. A round is as many answers as
 * the limit.
 */
export class Search {
  limit: number;
  /** Why the limit is what it is. */
  reason = 'it is where every run starts';

  readonly #max: number;
  readonly #belief: Belief;
  readonly #worth: Worth;
  #answers = 0;
  /** How many answers there were when the limit was changed. */
  #changedAt = 0;
  /** The limit that a look at fewer began at. */
  #lookFrom: number | undefined;
  /** How many there were when the server began to be watched. */
  #watchedAt = 0;
  /** The highest limit that slows nobody down, and how many answers there were when it was found. */
  #harmless: number;
  #harmlessAt = 0;
  /** Of more, some were refused; by how much it was raised since, and answers since either. */
  #ceiling = Number.POSITIVE_INFINITY;
  #step = 0;
  #unrefused = 0;
  /** Of more, some were not answered in time: that costs too much to be tried again. */
  #mostSafe = Number.POSITIVE_INFINITY;
  /** The last limit that was used to the full, and whether it was known to be the best. */
  #used: number;
  #isSettled: boolean;
  /** What an earlier run measured. */
  readonly #measured: Known['measured'];

  /**
   * @param threshold What share of the possible gain more at once must bring.
   * @param known Where an earlier run ended.
   */
  constructor(max: number, threshold: number, known?: Known) {
    this.#max = Math.min(max, HIGHEST);
    this.#belief = new Belief(this.#max);
    this.#worth = new Worth(this.#belief.hypotheses, threshold, this.#max);
    this.limit = Math.min(known?.limit ?? START, known?.ceiling ?? this.#max, this.#max);
    this.#used = this.limit;
    this.#isSettled = known?.isSettled === true;
    // What an earlier run went to without knowing is not known now either.
    const isKnown = this.#isSettled || this.limit <= START;
    this.#harmless = isKnown ? this.limit : Math.max(START, this.limit / 2);
    if (known?.ceiling !== undefined) this.#ceiling = this.#mostSafe = known.ceiling;
    this.#measured = known?.measured;
    if (this.#measured !== undefined) {
      this.#belief.assume(this.#measured.level, this.#measured.latenciesMs);
    }
    if (known?.isSettled) this.#belief.assumeKnee(known.limit);
  }

  get known(): Known {
    // What came after the last task had started may have told more.
    const limit = this.#isSettled ? this.#used : this.#best(this.#used, this.#used);
    const latenciesMs = this.#belief.latenciesAt(limit);
    const isMeasured = Object.keys(latenciesMs).length > 0;
    const measured = isMeasured ? { level: limit, latenciesMs } : this.#measured;
    return {
      ...{ limit, isSettled: this.#isSettled || this.#isBest(limit) },
      ...(Number.isFinite(this.#mostSafe) && { ceiling: this.#mostSafe }),
      ...(measured !== undefined && { measured }),
    };
  }

  /** Whether the limit is only tried for a moment. */
  get isLooking(): boolean {
    return this.#lookFrom !== undefined;
  }

  /** To be called before the number in flight changes. */
  passed(held: number, now: number): void {
    this.#belief.passed(held, now);
  }

  started(request: Request): void {
    this.#belief.started(request);
  }

  answered(request: Request, queue: Queue): void {
    this.#relax();
    const memory = Math.max(MIN_MEMORY, MEMORY * this.limit);
    if (!this.#belief.answered(request, queue.held, memory)) return;
    if (++this.#answers % Math.max(1, Math.floor(this.limit / THOUGHTS)) !== 0) return;
    this.#belief.update();
    if (this.#isSlower()) {
      this.#to(this.limit / DROP, 'the server has become slower');
      return;
    }
    // Where no more tasks are ready, it is not the limit that holds them back.
    if (queue.ready === 0) return;
    if (!this.isLooking && this.#isUsed(queue)) this.#note();
    this.#decide(queue);
  }

  /** A request was given up. */
  dropped(request: Request): void {
    this.#belief.dropped(request);
  }

  /** A request was refused while so many others were in flight. */
  refused(inFlight: number): void {
    const limit = Math.max(1, inFlight);
    if (limit > this.limit) return;
    this.#ceiling = limit;
    this.#step = this.#unrefused = 0;
    this.#cut(limit, 'more were refused');
  }

  /** Requests were not answered in time that had started beside so many others, or more. */
  lost(beside: number): void {
    const limit = Math.max(1, beside);
    this.#mostSafe = Math.min(this.#mostSafe, limit);
    this.#ceiling = Math.min(this.#ceiling, limit);
    this.#cut(limit, 'more were not answered in time');
  }

  #cut(limit: number, reason: string): void {
    if (limit < this.#used) {
      this.#used = limit;
      this.#isSettled = false;
    }
    if (limit < this.limit) this.#to(limit, reason);
  }

  /** More may be taken by now than were refused. */
  #relax(): void {
    if (this.#ceiling >= this.#mostSafe || ++this.#unrefused < RELAX * this.limit) return;
    this.#unrefused = 0;
    this.#step = Math.max(1, 2 * this.#step);
    this.#ceiling = Math.min(this.#mostSafe, this.#ceiling + this.#step);
  }

  /** Answers since the limit was changed. */
  get #since(): number {
    return this.#answers - this.#changedAt;
  }

  /** Whether the server has become another one, that is slower. */
  #isSlower(): boolean {
    const isSlower = this.#answers > ENOUGH && this.#belief.surprise > ANOTHER;
    if (isSlower) this.#belief.restart();
    // What has long been as foretold would hide what is not.
    if (isSlower || this.#answers - this.#watchedAt > this.limit) {
      this.#belief.watch();
      this.#watchedAt = this.#answers;
    }
    return isSlower;
  }

  #note(): void {
    this.#used = this.limit;
    this.#isSettled = this.#isBest(this.limit);
  }

  #isBest(limit: number): boolean {
    const { knee } = this.#belief;
    const isThere = knee > limit / 1.5 && knee < limit * 1.5;
    return isThere && this.#loss(limit) < UNSURE;
  }

  /** Whether there was enough to do for the limit to matter. */
  #isUsed({ held }: Queue): boolean {
    return held > 0.75 * this.limit;
  }

  #decide(queue: Queue): void {
    const lookFrom = this.#lookFrom;
    if (lookFrom !== undefined && this.#since < Math.max(4, LOOK_ANSWERS * lookFrom)) return;
    const best = this.#best(this.limit, this.#most());
    this.#lookFrom = undefined;
    if (best > this.limit) {
      const isTime = this.#answers === 1 || this.#since >= SOON * this.limit;
      if (isTime) this.#to(best, 'more at once are likely to bring more');
    } else if (best < this.limit) {
      this.#to(best, 'fewer at once are likely to do');
    } else if (
      this.#loss(best) > UNSURE &&
      this.#since > this.limit &&
      this.#isUsed(queue) &&
      queue.waiting > this.limit &&
      this.limit > 1
    ) {
      this.#to(this.limit * LOOK, 'fewer at once show what more at once bring');
      this.#lookFrom = best;
    }
  }

  /** The best limit up to some number; the present one, if no other is much better. */
  #best(present: number, most: number): number {
    const loss = this.#loss(present);
    let best = Math.min(present, most);
    let least = Number.POSITIVE_INFINITY;
    for (let step = 0, limit = 0; limit < most; step++) {
      limit = Math.min(most, Math.round(2 ** (step / PER_OCTAVE)));
      const other = this.#loss(limit);
      const isBetter = loss - other > (limit > present ? BETTER_ABOVE : BETTER_BELOW);
      if (!isBetter || other >= least) continue;
      best = limit;
      least = other;
    }
    return best;
  }

  /** The highest limit that may be tried. */
  #most(): number {
    const rounds = (this.#answers - this.#harmlessAt) / this.limit;
    const doubt = Math.min(MOST_DOUBT, Math.max(DOUBT, DOUBT_A_ROUND * rounds));
    const isAnswered = this.#since >= Math.max(3, PROOF * this.limit);
    if (
      this.limit > this.#harmless &&
      isAnswered &&
      this.#belief.isPast(0.95 * this.limit) < doubt
    ) {
      this.#harmless = this.limit;
      this.#harmlessAt = this.#answers;
    }
    const most = Math.max(2 * this.limit, this.#lookFrom ?? 0);
    return Math.floor(Math.min(this.#max, this.#ceiling, 2 * this.#harmless, most));
  }

  #loss(limit: number): number {
    return this.#worth.loss(limit, this.#belief.probabilities);
  }

  #to(limit: number, reason: string): void {
    this.limit = Math.max(1, Math.round(limit));
    this.reason = reason;
    this.#lookFrom = undefined;
    this.#changedAt = this.#answers;
  }
}
