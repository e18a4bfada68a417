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
/**
 * How likely it may be that more bring nothing for twice a limit to be tried, and how many times as
 * many at once the first answer brings. Where answers tell how much they are, a mistake shows sooner.
 */
const TOLD = { doubt: 0.15, first: 1.5 };
const UNTOLD = { doubt: 0.05, first: 2 };
/** The limit itself may be the knee. */
const NEARLY = 0.95;
/** What part of a round must be answered to say so, and before the limit is raised again. */
const PROOF = 0.3;
const SOON = 0.2;
/** How much better it must be to go up again while more than the limit are still in flight. */
const BETTER_BACK = 0.35;
/** How much may be lost on average, as a logarithm, before it is worth to look at fewer at once, */
const UNSURE = 0.2;
/** and how much by now, in rounds. */
const WORTH = 1;
/** Such a look is at this part of the limit, until so large a part of a round is answered. */
const LOOK = 0.5;
const LOOK_ANSWERS = 0.3;
/** After so many rounds it is looked at more at once, so many times the limit, for such a part of one. */
const ABOVE_AFTER = 4;
const ABOVE = 2;
const ABOVE_ANSWERS = 0.5;
/** No look is shorter than so many answers. */
const LEAST_ANSWERS = 4;
/** Such odds make the server another one that takes more, as a logarithm. */
const RISEN = 5;
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

export type Known = Pick<LearnedResource, 'limit' | 'ceiling' | 'likely' | 'outputTokens'>;

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
  #signs = 0;
  /** How many answers there were when the limit was changed, */
  #changedAt = 0;
  /** and when no more than that were in flight. */
  #reachedAt = 0;
  /** The limit that a look at fewer, or at more, began at. */
  #lookFrom: number | undefined;
  /** How many there were when the server began to be watched. */
  #watchedAt = 0;
  /** The highest limit that slows nobody down. */
  #harmless: number;
  /** Of more, some were refused; by how much it was raised since, and answers since either. */
  #ceiling = Number.POSITIVE_INFINITY;
  #step = 0;
  #unrefused = 0;
  /** Of more, some were not answered in time: that costs too much to be tried again. */
  #mostSafe = Number.POSITIVE_INFINITY;
  /** The last limit that was used to the full. */
  #used: number;

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
    if (known?.ceiling !== undefined) this.#ceiling = this.#mostSafe = known.ceiling;
    if (known?.likely !== undefined) {
      this.#belief.resume(known.likely, known.outputTokens, known.limit);
    }
    // What an earlier run went to without knowing is not known now either.
    const isKnown =
      this.limit <= START || this.#belief.isPast(NEARLY * this.limit) < this.#care.doubt;
    this.#harmless = isKnown ? this.limit : Math.max(START, this.limit / 2);
  }

  get known(): Known {
    // What came after the last task had started may have told more.
    this.#belief.update();
    const limit = Math.min(this.#best(this.#used, this.#most()), this.#used);
    const ceiling = Number.isFinite(this.#mostSafe) ? { ceiling: this.#mostSafe } : {};
    const { likely, outputTokens } = this.#belief;
    if (likely.length === 0) return { limit, ...ceiling };
    return { limit, ...ceiling, likely, ...(outputTokens !== undefined && { outputTokens }) };
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

  /** @param tokens How many were written, where that is told. */
  answered(request: Request, queue: Queue, tokens: number | undefined): void {
    this.#relax();
    const memory = Math.max(MIN_MEMORY, MEMORY * this.limit);
    if (!this.#belief.answered(request, queue.held, memory, tokens)) return;
    // Those that are too many go on to slow down the others.
    this.#answers++;
    this.#noted(queue);
  }

  /** A request in flight has written so much more, in characters. */
  wrote(request: Request, characters: number, queue: Queue): void {
    if (this.#belief.wrote(request, characters, queue.held)) this.#noted(queue);
  }

  /** A request does something else than to write. */
  paused(request: Request): void {
    this.#belief.paused(request);
  }

  /** Something was learned: an answer, or how fast one is written. */
  #noted(queue: Queue): void {
    this.#signs++;
    if (queue.held > this.limit) this.#reachedAt = this.#signs;
    if (this.#signs % Math.max(1, Math.floor(this.limit / THOUGHTS)) !== 0) return;
    this.#belief.update();
    if (this.#isSlower()) {
      this.#to(this.limit / DROP, 'the server has become slower');
      return;
    }
    // Where no more tasks are ready, it is not the limit that holds them back.
    if (queue.ready === 0) return;
    if (!this.isLooking && this.#isUsed(queue)) this.#used = this.limit;
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
    this.#used = Math.min(this.#used, limit);
    this.#belief.endRise();
    // A look at more is over with it.
    const next = Math.min(limit, this.#lookFrom ?? limit);
    if (next < this.limit) this.#to(next, reason);
  }

  /** More may be taken by now than were refused. */
  #relax(): void {
    if (this.#ceiling >= this.#mostSafe || ++this.#unrefused < RELAX * this.limit) return;
    this.#unrefused = 0;
    this.#step = Math.max(1, 2 * this.#step);
    this.#ceiling = Math.min(this.#mostSafe, this.#ceiling + this.#step);
  }

  /** Answers since no more than the limit are in flight. */
  get #since(): number {
    return this.#signs - this.#reachedAt;
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

  /** Whether there was enough to do for the limit to matter. */
  #isUsed({ held }: Queue): boolean {
    return held > 0.75 * this.limit;
  }

  #decide(queue: Queue): void {
    const lookFrom = this.#lookFrom;
    if (lookFrom !== undefined) {
      const isAbove = lookFrom < this.limit;
      if (isAbove && this.#hasRisen(lookFrom)) return;
      const part = isAbove ? ABOVE_ANSWERS : LOOK_ANSWERS;
      if (this.#since < Math.max(LEAST_ANSWERS, part * lookFrom)) return;
      if (isAbove) {
        this.#to(lookFrom, 'more at once did not bring more');
        return;
      }
    }
    const best = this.#best(this.limit, this.#most());
    this.#lookFrom = undefined;
    if (best > this.limit) {
      if (this.#mayRaise(best)) this.#change(best, 'more at once are likely to bring more');
    } else if (best < this.limit) {
      this.#change(best, 'fewer at once are likely to do');
    } else if (this.#isUsed(queue) && queue.waiting > this.limit) this.#consider(queue);
  }

  /** Whether it is time to raise the limit. */
  #mayRaise(limit: number): boolean {
    const soon = SOON * this.limit;
    if (this.#signs === 1 || this.#since >= soon) return true;
    const gain = this.#loss(this.limit) - this.#loss(limit);
    return this.#signs - this.#changedAt >= soon && gain > BETTER_BACK;
  }

  /** Looks at fewer, or at more, when that is worth it. */
  #consider({ waiting }: Queue): void {
    const { limit } = this;
    const since = this.#since;
    const loss = this.#loss(limit);
    if (limit > 1 && since > limit && loss > UNSURE && loss * since > WORTH * limit) {
      this.#to(limit * LOOK, 'fewer at once show what more at once bring');
      this.#lookFrom = limit;
    } else if (
      since > ABOVE_AFTER * limit &&
      waiting > ABOVE * limit &&
      ABOVE * limit <= Math.min(this.#max, this.#ceiling) &&
      this.#belief.knee < 1.5 * limit
    ) {
      this.#belief.watchRise();
      this.#to(ABOVE * limit, 'the server may take more by now');
      this.#lookFrom = limit;
    }
  }

  /** Whether the server has become another one, that takes more. */
  #hasRisen(lookFrom: number): boolean {
    if (this.#belief.rise <= RISEN) return false;
    this.#belief.restart();
    this.#harmless = Math.max(this.#harmless, lookFrom);
    this.#to(this.limit, 'the server takes more by now');
    return true;
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
    const { doubt, first } = this.#care;
    const isAnswered = this.#since >= Math.max(3, PROOF * this.limit);
    if (
      this.limit > this.#harmless &&
      isAnswered &&
      this.#belief.isPast(NEARLY * this.limit) < doubt
    ) {
      this.#harmless = this.limit;
    }
    const next = (this.#signs === 1 ? first : 2) * this.limit;
    const most = Math.max(next, this.#lookFrom ?? 0);
    return Math.floor(Math.min(this.#max, this.#ceiling, 2 * this.#harmless, most));
  }

  get #care(): typeof TOLD {
    return this.#belief.tellsTokens ? TOLD : UNTOLD;
  }

  #loss(limit: number): number {
    return this.#worth.loss(limit, this.#belief.probabilities);
  }

  /** Another limit is better: what was found is no more. */
  #change(limit: number, reason: string): void {
    this.#belief.endRise();
    this.#to(limit, reason);
  }

  #to(limit: number, reason: string): void {
    this.limit = Math.max(1, Math.round(limit));
    this.reason = reason;
    this.#lookFrom = undefined;
    this.#changedAt = this.#reachedAt = this.#signs;
  }
}
