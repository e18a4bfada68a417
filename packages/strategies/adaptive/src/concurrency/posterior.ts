import type { TaskType } from '@stratagem/core';
import { SlowdownDetector } from '../change/slowdown-detector.js';
import { SpeedupDetector } from '../change/speedup-detector.js';
import { StreamSlowdownDetector } from '../change/stream-slowdown-detector.js';
import { type Covariance, UNTOLD, USUAL } from '../model/covariance.js';
import { type Hypothesis, hypotheses, PLAUSIBLE, speedOf } from '../model/hypotheses.js';
import type { ByType, Likely } from '../model/learned.js';
import { type Group, LognormalEm, type Middle } from '../model/lognormal-em.js';
import type { Request } from '../model/request.js';
import { TokenStreams } from '../model/token-streams.js';
import { logOf, logWork, WorkStatistics } from '../model/work-statistics.js';

/** What is assumed, and was not measured in this run, counts like so many answers. */
const ASSUMED = 8;
/** How likely it is that a server is still what it was in an earlier run. */
const STILL = 0.9;
/** A hypothesis less likely than this is not worth handing on. */
const WORTH_A_WORD = 0.01;
/** A type of which so little is left is met anew. */
const FORGOTTEN = 1e-3;
/** What takes less, in milliseconds, says nothing about a server. */
const NOTHING_MS = 0.01;
/** In how many groups requests in flight are looked at: one by one would take too long. */
const GROUPS = 16;

/**
 * How likely each hypothesis about a server is, by all that was answered and all that was not.
 *
 * Under each of them, the time that a request is in flight is so much work: at each moment, it gets on
 * as fast as the hypothesis says for the number in flight then. If the hypothesis is true, the requests
 * of a type are alike in that work, whenever they ran. Those that have not been answered count as well:
 * they are more work than has been done.
 */
export class Posterior {
  readonly hypotheses: readonly Hypothesis[];
  /** How likely each of them is; in sum 1. */
  readonly probabilities: Float64Array;

  readonly #max: number;
  readonly #logPriors: Float64Array;
  readonly #fits: readonly LognormalEm[];
  readonly #works = new Map<TaskType, WorkStatistics>();
  /** What else makes the answers likely, as a logarithm: they are times, not work. */
  readonly #densities: Float64Array;
  /** The work that would have been done by now on a request that was there from the beginning, in ms. */
  readonly #progress: Float64Array;
  #updatedAt = 0;
  /** How fast requests got on until then, by hypothesis. */
  readonly #speeds: Float64Array;
  #speedsOf = 0;
  /** The progress when those in flight started. */
  readonly #open = new Map<Request, Float64Array>();
  readonly #streams: TokenStreams;
  readonly #slowing: StreamSlowdownDetector;
  #next = 0;
  #watch: SlowdownDetector | undefined;
  #rise: SpeedupDetector | undefined;
  /** What is usual, until it is known whether answers tell how much they are. */
  #usual: Covariance = UNTOLD;

  /** @param max How many may be in flight. */
  constructor(max: number) {
    this.#max = max;
    this.hypotheses = hypotheses(max);
    this.probabilities = Float64Array.from(this.hypotheses, ({ prior }) => prior);
    this.#logPriors = this.probabilities.map(Math.log);
    this.#fits = this.hypotheses.map((_, h) => new LognormalEm(h));
    const { length } = this.hypotheses;
    this.#densities = new Float64Array(length);
    this.#progress = new Float64Array(length);
    this.#speeds = new Float64Array(length).fill(1);
    this.#streams = new TokenStreams(length);
    this.#slowing = new StreamSlowdownDetector(length);
  }

  /** To be called before the number in flight changes. */
  passed(held: number, now: number): void {
    const elapsed = now - this.#updatedAt;
    this.#updatedAt = now;
    if (held === 0 || elapsed <= 0) return;
    const speeds = this.#speedsAt(held);
    for (let h = 0; h < speeds.length; h++) {
      this.#progress[h] = (this.#progress[h] as number) + elapsed * (speeds[h] as number);
    }
  }

  started(request: Request): void {
    this.#next = request.order + 1;
    this.#open.set(request, this.#progress.slice());
  }

  /** It was refused, or given up. */
  dropped(request: Request): void {
    this.#open.delete(request);
    this.#streams.ended(request);
  }

  /**
   * A request has written so much more.
   *
   * @returns Whether that says anything yet.
   */
  wrote(request: Request, characters: number): boolean {
    const stretch = this.#streams.came(request, characters, this.#progress, this.#speeds);
    if (stretch === undefined) return false;
    const varianceOf = (h: number) => this.#streams.variance(h);
    this.#slowing.wrote(stretch, varianceOf);
    this.#rise?.wrote(stretch, varianceOf(this.#likeliest));
    return true;
  }

  /** A request does something else than to write. */
  paused(request: Request): void {
    this.#streams.ended(request);
  }

  /**
   * @returns Whether it says anything: it does not if the server became another one meanwhile.
   * @param memory After so many answers, an answer counts for a third.
   * @param tokens How many were written, where that is told.
   */
  answered(request: Request, memory: number, tokens: number | undefined): boolean {
    const start = this.#open.get(request);
    this.#open.delete(request);
    this.#streams.ended(request);
    if (start === undefined || durationOf(start, this.#progress) < NOTHING_MS) return false;
    this.#watch?.answered(request, start, this.#progress);
    const part = 1 - 1 / memory;
    this.#streams.fade(part);
    for (const [type, work] of this.#works) {
      work.fade(part);
      if (work.count < FORGOTTEN) this.#works.delete(type);
    }
    const work = this.#workOf(request.task.type);
    if (tokens) this.#usual = USUAL;
    // Where it is not told, or told to be nothing, it is like those before.
    const logTokens = tokens ? Math.log(tokens) : work.count > 0 ? work.tokens / work.count : 0;
    const speeds = this.#speeds;
    this.#rise?.answered(request, logTokens, start, this.#progress, speeds);
    work.answered(logTokens);
    for (let h = 0; h < start.length; h++) {
      const log = logWork(start, this.#progress, h);
      work.add(h, log, logTokens);
      const density = Math.log(speeds[h] as number) - log;
      this.#densities[h] = (this.#densities[h] as number) * part + density;
    }
    return true;
  }

  /** Works out how likely the hypotheses are by now. */
  update(): void {
    const groups = this.#groups();
    this.#weigh(
      (h) =>
        (this.#fits[h] as LognormalEm).improve(this.#works, groups, this.#usual) +
        this.#streams.likelihood(h, this.#progress),
    );
  }

  /** How likely it is that so many in flight slow each other down so much that more bring nothing. */
  isPast(inFlight: number): number {
    let sum = 0;
    for (const [h, { knee, exponent }] of this.hypotheses.entries()) {
      if (knee < inFlight && exponent >= 1) sum += this.probabilities[h] as number;
    }
    return sum;
  }

  /** How likely it is that so many in flight slow each other down at all. */
  isSlowed(inFlight: number): number {
    let sum = 0;
    for (const [h, { knee }] of this.hypotheses.entries()) {
      if (knee < inFlight) sum += this.probabilities[h] as number;
    }
    return sum;
  }

  /** The likeliest knee; the most that may be in flight if there is none below. */
  get knee(): number {
    return Math.min(this.#max, (this.hypotheses[this.#likeliest] as Hypothesis).knee);
  }

  // --- A server that becomes another one ---

  /** From here on, what comes is compared with what is believed now. */
  watch(): void {
    let weight = 0;
    for (const { count } of this.#works.values()) weight += count;
    this.#watch = new SlowdownDetector(this.#fits, this.probabilities, weight, this.#next);
  }

  /** How much speaks for the server having become slower since it is watched, as a logarithm of odds. */
  get surprise(): number {
    return this.#watch?.surprise(this.#open, this.#progress) ?? 0;
  }

  /** How much speaks for text coming slower than it did, as a logarithm of odds. */
  get slowing(): number {
    return this.#slowing.odds((h) => (this.probabilities[h] as number) > PLAUSIBLE);
  }

  /** From here on, it is looked at whether the knee has moved up from where it is believed now. */
  watchRise(): void {
    const found = this.#likeliest;
    this.#rise ??= new SpeedupDetector(this.hypotheses, found, this.#fits[found] as LognormalEm);
  }

  /** What was found is given up. */
  endRise(): void {
    this.#rise = undefined;
  }

  /** How much speaks for the knee having moved up, as a logarithm of odds. */
  get rise(): number {
    return this.#rise?.odds(this.#open, this.#progress) ?? 0;
  }

  /**
   * Forgets all but how much work requests are: the knee is another one now. What is in flight began
   * before that, and tells nothing.
   */
  restart(): void {
    const { middles, spread } = this.#fits[this.#likeliest] as LognormalEm;
    for (const [type, { work: log, tokens }] of middles) {
      const work = this.#workOf(type);
      for (let h = 0; h < this.hypotheses.length; h++) work.assume(h, log, tokens, spread, ASSUMED);
    }
    this.#open.clear();
    this.#streams.clear();
    this.#slowing.clear();
    this.#densities.fill(0);
    this.#watch = undefined;
    this.#rise = undefined;
    this.update();
  }

  // --- What goes from one run to the next ---

  /** What the server may be, the likeliest first; empty before anything was answered. */
  get likely(): readonly Likely[] {
    if (this.#works.size === 0) return [];
    return this.hypotheses
      .map(({ knee, exponent }, h) => ({
        ...(Number.isFinite(knee) && { knee, exponent }),
        probability: Number((this.probabilities[h] as number).toPrecision(3)),
        latenciesMs: this.#ofTypes(h, ({ work }) => work),
      }))
      .filter(({ probability }) => probability >= WORTH_A_WORD)
      .sort((a, b) => b.probability - a.probability);
  }

  /** Whether answers tell how much was written. */
  get tellsTokens(): boolean {
    return this.#usual === USUAL;
  }

  /** How many tokens are written, by type; undefined where answers do not tell. */
  get outputTokens(): ByType | undefined {
    if (!this.tellsTokens) return undefined;
    return this.#ofTypes(this.#likeliest, ({ tokens }) => tokens);
  }

  /**
   * Begins with what an earlier run held likely; the server may be another one by now.
   *
   * @param level How many it had in flight.
   */
  resume(likely: readonly Likely[], outputTokens: ByType | undefined, level: number): void {
    const likeliest = likely[0];
    if (likeliest === undefined) return;
    if (outputTokens !== undefined) this.#usual = USUAL;
    const found = new Map<number, Likely>();
    for (const each of likely) {
      const h = this.#nearest(each);
      const same = found.get(h) ?? { ...each, probability: 0 };
      found.set(h, { ...same, probability: same.probability + each.probability });
    }
    const total = likely.reduce((sum, { probability }) => sum + probability, 0);
    const observed = this.hypotheses[this.#nearest(likeliest)] as Hypothesis;
    for (const [h, hypothesis] of this.hypotheses.entries()) {
      const { prior } = hypothesis;
      const known = found.get(h);
      const share = (STILL * (known?.probability ?? 0)) / total + (1 - STILL) * prior;
      this.#densities[h] = Math.log(share / prior);
      // What is not likely must explain what was seen as well.
      const relative = speedOf(hypothesis, level) / speedOf(observed, level);
      for (const [name, latencyMs] of Object.entries((known ?? likeliest).latenciesMs)) {
        const type = name as TaskType;
        const log = logOf(known === undefined ? latencyMs * relative : latencyMs);
        const logTokens = Math.log(outputTokens?.[type] ?? 1);
        this.#workOf(type).assume(h, log, logTokens, this.#usual, ASSUMED);
      }
    }
    this.#weigh(() => 0);
  }

  // --- How ---

  #weigh(likelihood: (h: number) => number): void {
    const { probabilities } = this;
    let highest = Number.NEGATIVE_INFINITY;
    for (let h = 0; h < probabilities.length; h++) {
      const log = (this.#logPriors[h] as number) + (this.#densities[h] as number) + likelihood(h);
      probabilities[h] = log;
      highest = Math.max(highest, log);
    }
    let sum = 0;
    for (let h = 0; h < probabilities.length; h++) {
      probabilities[h] = Math.exp((probabilities[h] as number) - highest);
      sum += probabilities[h] as number;
    }
    for (let h = 0; h < probabilities.length; h++) {
      probabilities[h] = (probabilities[h] as number) / sum;
    }
  }

  /** Those in flight whose type has been answered before, the oldest first. */
  #groups(): Group[] {
    const groups: Group[] = [];
    const filling = new Map<TaskType, Group>();
    const size = Math.ceil(this.#open.size / GROUPS);
    for (const [{ task }, start] of this.#open) {
      if (!this.#works.has(task.type)) continue;
      let group = filling.get(task.type);
      if (group === undefined) {
        group = { type: task.type, count: 0, logs: new Float64Array(start.length) };
        filling.set(task.type, group);
        groups.push(group);
      }
      const share = 1 / ++group.count;
      for (let h = 0; h < start.length; h++) {
        const mean = group.logs[h] as number;
        group.logs[h] = mean + share * (logWork(start, this.#progress, h) - mean);
      }
      if (group.count === size) filling.delete(task.type);
    }
    return groups;
  }

  #ofTypes(h: number, log: (middle: Middle) => number): ByType {
    const { middles } = this.#fits[h] as LognormalEm;
    return Object.fromEntries([...middles].map(([type, each]) => [type, Math.exp(log(each))]));
  }

  /** The hypothesis that comes nearest; a knee at what may be in flight, or above, is none. */
  #nearest({ knee = Number.POSITIVE_INFINITY, exponent = 0 }: Likely): number {
    if (knee >= this.#max) return 0;
    let nearest = 0;
    let least = Number.POSITIVE_INFINITY;
    for (const [h, each] of this.hypotheses.entries()) {
      const distance = Math.abs(Math.log(each.knee / knee)) + Math.abs(each.exponent - exponent);
      if (distance >= least) continue;
      nearest = h;
      least = distance;
    }
    return nearest;
  }

  #speedsAt(held: number): Float64Array {
    if (held !== this.#speedsOf) {
      this.#speedsOf = held;
      for (const [h, hypothesis] of this.hypotheses.entries()) {
        this.#speeds[h] = speedOf(hypothesis, held);
      }
    }
    return this.#speeds;
  }

  #workOf(type: TaskType): WorkStatistics {
    let work = this.#works.get(type);
    if (work === undefined) {
      work = new WorkStatistics(this.hypotheses.length);
      this.#works.set(type, work);
    }
    return work;
  }

  get #likeliest(): number {
    return this.probabilities.indexOf(Math.max(...this.probabilities));
  }
}

/** Under the first hypothesis, that nothing slows requests down, work is time. */
function durationOf(start: Float64Array, progress: Float64Array): number {
  return (progress[0] as number) - (start[0] as number);
}
