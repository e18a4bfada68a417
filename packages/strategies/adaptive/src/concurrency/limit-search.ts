import type { LearnedResource } from '../model/learned.js';
import type { Request } from '../model/request.js';
import { Ceiling } from './ceiling.js';
import { ExpectedLoss } from './expected-loss.js';
import { ObservationWindow } from './observation-window.js';
import { Posterior } from './posterior.js';
import { type StepSizes, TOLD, UNTOLD, WRITTEN } from './step-sizes.js';

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
/** The limit itself may be the knee. */
const NEARLY = 0.95;
/** How likely it must be that they slow each other down, for fewer to be better. */
const LIKELY = 0.4;
/** At least so many must have been heard of for that to be said. */
const LEAST_PROOF = 3;
/** How much better it must be to go up again while more than the limit are still in flight. */
const BETTER_BACK = 0.35;
/** How much may be lost on average, as a logarithm, before it is worth to look at fewer at once, */
const UNSURE = 0.2;
/** and how much by now, in rounds. */
const WORTH = 1;
/** Such a look is at this part of the limit. */
const LOOK = 0.5;
/** After so many rounds it is looked at more at once. */
const ABOVE_AFTER = 4;
/** No look is over before so many were heard of. */
const LEAST_HEARD = 4;
/** Where a look is not what it is to be yet, or such odds speak for more, it is so many times as long. */
const PATIENCE = 3;
const HOPEFUL = 1;
/** Such odds make the server another one that takes more, as a logarithm. */
const RISEN = 5;
/** How many rounds are remembered, and answers at least; */
const MEMORY = 8;
const MIN_MEMORY = 60;
/** so many times as long where it shows at once when the server becomes another one. */
const LONG = 10;
/** Once so many were heard of, such odds make the server another one, as a logarithm. */
const ENOUGH = 40;
const ANOTHER = 8;
/** To what part the limit goes then: what is in flight goes on to keep the server busy. */
const DROP = 4;

export type Known = Pick<LearnedResource, 'limit' | 'ceiling' | 'likely' | 'outputTokens'>;

/** What there was to do when something was heard of a request. */
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
 * hypotheses about the server, each as likely as all that is heard of requests makes it. A round is as
 * many answers, or stretches of text, as the limit.
 */
export class LimitSearch {
  limit: number;
  /** Why the limit is what it is. */
  reason = 'it is where every run starts';

  readonly #max: number;
  readonly #belief: Posterior;
  readonly #worth: ExpectedLoss;
  readonly #ceiling: Ceiling;
  readonly #news = new ObservationWindow();
  /** The limit that a look at fewer, or at more, began at. */
  #lookFrom: number | undefined;
  /** How many answers there were when the server began to be watched. */
  #watchedAt = 0;
  /** The highest limit that slows nobody down. */
  #harmless: number;
  /** The last limit that was used to the full. */
  #used: number;

  /**
   * @param threshold What share of the possible gain more at once must bring.
   * @param known Where an earlier run ended.
   */
  constructor(max: number, threshold: number, known?: Known) {
    this.#max = Math.min(max, HIGHEST);
    this.#belief = new Posterior(this.#max);
    this.#worth = new ExpectedLoss(this.#belief.hypotheses, threshold, this.#max);
    this.#ceiling = new Ceiling(known?.ceiling);
    this.limit = Math.min(known?.limit ?? START, this.#ceiling.value, this.#max);
    this.#used = this.limit;
    if (known?.likely !== undefined) {
      this.#belief.resume(known.likely, known.outputTokens, known.limit);
    }
    // What an earlier run went to without knowing is not known now either.
    const isKnown = this.limit <= START || this.#isHarmless;
    this.#harmless = isKnown ? this.limit : Math.max(START, this.limit / 2);
  }

  get known(): Known {
    const limit = Math.min(this.#best(this.#used), this.#used);
    const ceiling = this.#ceiling.known;
    const { likely, outputTokens } = this.#belief;
    return {
      limit,
      ...(ceiling !== undefined && { ceiling }),
      ...(likely.length > 0 && { likely }),
      ...(likely.length > 0 && outputTokens !== undefined && { outputTokens }),
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

  /** @param tokens How many were written, where that is told. */
  answered(request: Request, queue: Queue, tokens: number | undefined): void {
    this.#ceiling.answered(this.limit);
    const rounds = (this.#news.isWritten ? LONG : 1) * Math.max(MIN_MEMORY, MEMORY * this.limit);
    if (this.#belief.answered(request, rounds, tokens)) this.#came(true, queue);
  }

  /** A request in flight has written so much more, in characters. */
  wrote(request: Request, characters: number, queue: Queue): void {
    if (this.#belief.wrote(request, characters)) this.#came(false, queue);
  }

  /** A request in flight does something else than to write. */
  paused(request: Request): void {
    this.#belief.paused(request);
  }

  /** A request was given up. */
  dropped(request: Request): void {
    this.#belief.dropped(request);
  }

  /** A request was refused while so many others were in flight. */
  refused(inFlight: number): void {
    const limit = Math.max(1, inFlight);
    if (limit > this.limit) return;
    this.#ceiling.refused(limit);
    this.#cut(limit, 'more were refused');
  }

  /** Requests were not answered in time that had started beside so many others, or more. */
  lost(beside: number): void {
    const limit = Math.max(1, beside);
    this.#ceiling.lost(limit);
    this.#cut(limit, 'more were not answered in time');
  }

  #cut(limit: number, reason: string): void {
    this.#used = Math.min(this.#used, limit);
    this.#belief.endRise();
    // A look at more is over with it.
    const next = Math.min(limit, this.#lookFrom ?? limit);
    if (next < this.limit) this.#to(next, reason);
  }

  /** Something was heard of a request: an answer, or a stretch of text. */
  #came(isAnswer: boolean, queue: Queue): void {
    this.#news.came(isAnswer, queue.held, this.limit);
    const pause = Math.max(1, Math.floor(this.limit / this.#care.thoughts));
    const isTime = this.#news.heard % pause === 0;
    // What comes at the end is worth a thought for the run after this.
    if (!isTime && !(isAnswer && queue.waiting === 0)) return;
    this.#belief.update();
    this.#prove();
    if (this.#isSlower()) {
      this.#to(this.limit / DROP, 'the server has become slower');
      this.#harmless = Math.min(this.#harmless, this.limit);
    } else if (queue.ready > 0) {
      if (!this.isLooking && this.#isUsed(queue)) this.#used = this.limit;
      this.#decide(queue);
    } else if (!this.isLooking && this.#isSlowed) {
      // It is not the limit that holds tasks back; and yet there may be too many.
      this.#lower(Math.min(this.limit, queue.held));
    }
  }

  /** Whether the server has become another one, that is slower. */
  #isSlower(): boolean {
    const { answers, heard } = this.#news;
    const isSlower =
      (answers > ENOUGH && this.#belief.surprise > ANOTHER) ||
      (heard > ENOUGH && this.#belief.slowing > ANOTHER);
    if (isSlower) this.#belief.restart();
    // What has long been as foretold would hide what is not.
    if (isSlower || answers - this.#watchedAt > this.limit) {
      this.#belief.watch();
      this.#watchedAt = answers;
    }
    return isSlower;
  }

  /** Whether there was enough to do for the limit to matter. */
  #isUsed({ held }: Queue): boolean {
    return held > 0.75 * this.limit;
  }

  #decide(queue: Queue): void {
    if (this.#lookFrom !== undefined && !this.#hasLooked(this.#lookFrom)) return;
    const best = this.#best(this.limit);
    this.#lookFrom = undefined;
    if (best > this.limit) {
      if (this.#mayRaise(best)) this.#change(best, 'more at once are likely to bring more');
    } else if (best < this.limit) {
      // Without any sign of it, a high threshold alone is a reason to find out, no more.
      if (this.#isSlowed) this.#lower(this.limit);
      else this.#lookBelow();
    } else if (this.#isUsed(queue) && queue.waiting > this.limit) this.#consider(queue);
  }

  /** Has fewer at once than some number, if that is likely to be better. */
  #lower(than: number): void {
    const best = this.#best(this.limit);
    if (best < than) this.#change(best, 'fewer at once are likely to do');
  }

  /** Whether a look is over, and another limit may be gone to. */
  #hasLooked(lookFrom: number): boolean {
    const { aboveUntil, belowUntil } = this.#care;
    const isAbove = lookFrom < this.limit;
    if (isAbove && this.#hasRisen(lookFrom)) return false;
    const isUnclear = isAbove && (!this.#news.isReached || this.#belief.rise > HOPEFUL);
    const patience = this.#news.isWritten && isUnclear ? PATIENCE : 1;
    const enough = Math.max(LEAST_HEARD, (isAbove ? aboveUntil : belowUntil) * lookFrom);
    if (this.#news.since < patience * enough) return false;
    if (isAbove) this.#to(lookFrom, 'more at once did not bring more');
    return !isAbove;
  }

  /** Whether it is time to raise the limit. */
  #mayRaise(limit: number): boolean {
    const { answers, heard, since, sinceChange } = this.#news;
    // The first answer tells how long to wait for others.
    if (answers === 1 && heard === 1) return true;
    const soon = this.#care.soon * this.limit;
    const gain = this.#loss(this.limit) - this.#loss(limit);
    return since >= soon || (sinceChange >= soon && gain > BETTER_BACK);
  }

  /** Looks at fewer, or at more, when that is worth it. */
  #consider({ waiting }: Queue): void {
    const { limit } = this;
    const since = this.#news.answersSince;
    const loss = this.#loss(limit);
    const above = this.#care.above * limit;
    if (limit > 1 && since > limit && loss > UNSURE && loss * since > WORTH * limit) {
      this.#lookBelow();
    } else if (
      since > ABOVE_AFTER * limit &&
      waiting > above &&
      above <= Math.min(this.#max, this.#ceiling.value) &&
      this.#belief.knee < 1.5 * limit
    ) {
      this.#belief.watchRise();
      this.#to(above, 'the server may take more by now');
      this.#lookFrom = limit;
    }
  }

  #lookBelow(): void {
    const { limit } = this;
    this.#to(limit * LOOK, 'fewer at once show what more at once bring');
    this.#lookFrom = limit;
  }

  /** Whether the server has become another one, that takes more. */
  #hasRisen(lookFrom: number): boolean {
    if (this.#belief.rise <= RISEN) return false;
    this.#belief.restart();
    this.#harmless = Math.max(this.#harmless, lookFrom);
    this.#to(this.limit, 'the server takes more by now');
    return true;
  }

  /** The best limit of those that may be tried; the present one, if no other is much better. */
  #best(present: number): number {
    const most = this.#most;
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
  get #most(): number {
    const { first, step } = this.#care;
    const factor = this.#news.isChanged ? step : first;
    const next = Math.max(factor * this.limit, this.limit + 1, this.#lookFrom ?? 0);
    const proven = Math.max(step * this.#harmless, this.#harmless + 1);
    return Math.floor(Math.min(this.#max, this.#ceiling.value, proven, next));
  }

  /** Takes the limit for harmless, once enough was heard of it. */
  #prove(): void {
    if (this.limit <= this.#harmless) return;
    const enough = Math.max(LEAST_PROOF, this.#care.proof * this.limit);
    if (this.#news.since >= enough && this.#isHarmless) this.#harmless = this.limit;
  }

  /** Whether it is unlikely that as many as the limit slow each other down. */
  get #isHarmless(): boolean {
    return this.#belief.isPast(NEARLY * this.limit) < this.#care.doubt;
  }

  /** Whether it is likely that as many as the limit slow each other down at all. */
  get #isSlowed(): boolean {
    return this.#belief.isSlowed(this.limit) >= LIKELY;
  }

  get #care(): StepSizes {
    if (this.#news.isWritten) return WRITTEN;
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
    this.#news.changed();
  }
}
