import type { TaskType } from '@stratagem/core';
import { logTail, meanAbove } from './normal.js';
import type { Work } from './work.js';

/** Latencies of models differ about so much, as a deviation of logarithms. */
export const SPREAD = 0.25;
/** How many answers that counts for. */
const SPREAD_COUNT = 2;
/** How often a fit is improved, the first time and later. */
const FIRST_STEPS = 4;
const STEPS = 2;

/** Some requests of a type in flight that started one after the other. */
export interface Group {
  readonly type: TaskType;
  count: number;
  /** The mean of the logarithms of the work done on them, under each hypothesis. */
  readonly logs: Float64Array;
}

/**
 * How much work requests are if a hypothesis is true: the log-normal distribution that makes what was
 * answered, and what was not, as likely as can be.
 */
export class Fit {
  /** The means of the logarithms, by type. */
  readonly logs = new Map<TaskType, number>();
  /** Standard deviation of the logarithms. */
  spread = SPREAD;

  readonly #h: number;
  #steps = FIRST_STEPS;

  /** @param h Which hypothesis. */
  constructor(h: number) {
    this.#h = h;
  }

  /** @returns How likely it makes it all, as a logarithm. */
  improve(works: ReadonlyMap<TaskType, Work>, groups: readonly Group[]): number {
    for (const [type, { count, sums }] of works) {
      if (!this.logs.has(type)) this.logs.set(type, (sums[this.#h] as number) / count);
    }
    for (let step = 0; step < this.#steps; step++) this.#step(works, groups);
    this.#steps = STEPS;
    return this.#likelihood(works, groups);
  }

  /** Expectation and maximisation: what is in flight will take what is left of the distribution. */
  #step(works: ReadonlyMap<TaskType, Work>, groups: readonly Group[]): void {
    let total = SPREAD_COUNT;
    let deviations = SPREAD_COUNT * SPREAD * SPREAD;
    for (const [type, work] of works) {
      const log = this.logs.get(type) as number;
      let { count } = work;
      let sum = work.sums[this.#h] as number;
      let squares = work.squares[this.#h] as number;
      for (const group of groups) {
        if (group.type !== type) continue;
        const z = ((group.logs[this.#h] as number) - log) / this.spread;
        const above = meanAbove(z);
        const mean = log + this.spread * above;
        const variance = this.spread ** 2 * Math.max(0, 1 + z * above - above * above);
        count += group.count;
        sum += group.count * mean;
        squares += group.count * (mean * mean + variance);
      }
      total += count;
      deviations += squares - (sum * sum) / count;
      this.logs.set(type, sum / count);
    }
    this.spread = Math.sqrt(deviations / total);
  }

  #likelihood(works: ReadonlyMap<TaskType, Work>, groups: readonly Group[]): number {
    let total = SPREAD_COUNT;
    let squares = SPREAD_COUNT * SPREAD * SPREAD;
    for (const [type, work] of works) {
      const log = this.logs.get(type) as number;
      const sum = work.sums[this.#h] as number;
      total += work.count;
      squares += (work.squares[this.#h] as number) - 2 * log * sum + work.count * log * log;
    }
    let likelihood = -total * Math.log(this.spread) - squares / (2 * this.spread ** 2);
    for (const { type, count, logs } of groups) {
      const z = ((logs[this.#h] as number) - (this.logs.get(type) as number)) / this.spread;
      likelihood += count * logTail(z);
    }
    return likelihood;
  }
}
