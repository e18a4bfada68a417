import type { TaskType } from '@stratagem/core';
import { Fit, type Group, SPREAD } from './fit.js';
import { type Hypothesis, hypotheses, speedOf } from './hypotheses.js';
import type { Request } from './request.js';
import { Watch } from './watch.js';
import { logOf, logWork, Work } from './work.js';

/** What is assumed, and was not measured in this run, counts like so many answers. */
const ASSUMED = 8;
/** A knee that an earlier run found is so much likelier than others at first, as a logarithm. */
const FOUND = 4;
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
export class Belief {
  readonly hypotheses: readonly Hypothesis[];
  /** How likely each of them is; in sum 1. */
  readonly probabilities: Float64Array;

  readonly #max: number;
  readonly #logPriors: Float64Array;
  readonly #fits: readonly Fit[];
  readonly #works = new Map<TaskType, Work>();
  /** What else makes the answers likely, as a logarithm: they are times, not work. */
  readonly #densities: Float64Array;
  /** The work that would have been done by now on a request that was there from the beginning, in ms. */
  readonly #progress: Float64Array;
  #updatedAt = 0;
  readonly #speeds: Float64Array;
  #speedsOf = 0;
  /** The progress when those in flight started. */
  readonly #open = new Map<Request, Float64Array>();
  #next = 0;
  #watch: Watch | undefined;

  /** @param max How many may be in flight. */
  constructor(max: number) {
    this.#max = max;
    this.hypotheses = hypotheses(max);
    this.probabilities = Float64Array.from(this.hypotheses, ({ prior }) => prior);
    this.#logPriors = this.probabilities.map(Math.log);
    this.#fits = this.hypotheses.map((_, h) => new Fit(h));
    const { length } = this.hypotheses;
    this.#densities = new Float64Array(length);
    this.#progress = new Float64Array(length);
    this.#speeds = new Float64Array(length).fill(1);
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
  }

  /**
   * @returns Whether it says anything: it does not if the server became another one meanwhile.
   * @param held How many were in flight with it.
   * @param memory After so many answers, an answer counts for a third.
   */
  answered(request: Request, held: number, memory: number): boolean {
    const start = this.#open.get(request);
    this.#open.delete(request);
    if (start === undefined || durationOf(start, this.#progress) < NOTHING_MS) return false;
    this.#watch?.answered(request, start, this.#progress);
    const part = 1 - 1 / memory;
    for (const [type, work] of this.#works) {
      work.fade(part);
      if (work.count < FORGOTTEN) this.#works.delete(type);
    }
    const work = this.#workOf(request.task.type);
    const speeds = this.#speedsAt(held);
    work.count++;
    for (let h = 0; h < start.length; h++) {
      const log = logWork(start, this.#progress, h);
      work.add(h, log);
      const density = Math.log(speeds[h] as number) - log;
      this.#densities[h] = (this.#densities[h] as number) * part + density;
    }
    return true;
  }

  /** Works out how likely the hypotheses are by now. */
  update(): void {
    const groups = this.#groups();
    this.#weigh((h) => (this.#fits[h] as Fit).improve(this.#works, groups));
  }

  /** How likely it is that so many in flight slow each other down. */
  isPast(inFlight: number): number {
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
    this.#watch = new Watch(this.#fits, this.probabilities, weight, this.#next);
  }

  /** How much speaks for the server having become slower since it is watched, as a logarithm of odds. */
  get surprise(): number {
    return this.#watch?.surprise(this.#open, this.#progress) ?? 0;
  }

  /**
   * Forgets all but how much work requests are: the knee is another one now. What is in flight began
   * before that, and tells nothing.
   */
  restart(): void {
    const { logs, spread } = this.#fits[this.#likeliest] as Fit;
    for (const [type, log] of logs) {
      const work = this.#workOf(type);
      for (let h = 0; h < this.hypotheses.length; h++) work.assume(h, log, spread, ASSUMED);
    }
    this.#open.clear();
    this.#densities.fill(0);
    this.#watch = undefined;
    this.update();
  }

  // --- What goes from one run to the next ---

  /** What requests take with so many in flight, in the middle, by type; in milliseconds. */
  latenciesAt(inFlight: number): Partial<Record<TaskType, number>> {
    const speed = speedOf(this.hypotheses[this.#likeliest] as Hypothesis, inFlight);
    const { logs } = this.#fits[this.#likeliest] as Fit;
    return Object.fromEntries([...logs].map(([type, log]) => [type, Math.exp(log) / speed]));
  }

  /** Begins with what requests took with so many in flight. */
  assume(inFlight: number, latenciesMs: Readonly<Partial<Record<TaskType, number>>>): void {
    for (const [type, latencyMs] of Object.entries(latenciesMs)) {
      const work = this.#workOf(type as TaskType);
      for (const [h, hypothesis] of this.hypotheses.entries()) {
        const log = logOf(latencyMs * speedOf(hypothesis, inFlight));
        work.assume(h, log, SPREAD, ASSUMED);
      }
    }
  }

  /** Begins with a knee that was found. */
  assumeKnee(found: number): void {
    for (const [h, { knee }] of this.hypotheses.entries()) {
      const octaves = Math.abs(Math.log2(Math.min(knee, this.#max) / found));
      this.#densities[h] = FOUND * Math.max(0, 1 - octaves);
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

  #speedsAt(held: number): Float64Array {
    if (held !== this.#speedsOf) {
      this.#speedsOf = held;
      for (const [h, hypothesis] of this.hypotheses.entries()) {
        this.#speeds[h] = speedOf(hypothesis, held);
      }
    }
    return this.#speeds;
  }

  #workOf(type: TaskType): Work {
    let work = this.#works.get(type);
    if (work === undefined) {
      work = new Work(this.hypotheses.length);
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
