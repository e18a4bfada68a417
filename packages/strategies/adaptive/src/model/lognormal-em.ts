import type { TaskType } from '@stratagem/core';
import { type Covariance, UNTOLD } from './covariance.js';
import { logTail, meanAbove } from './normal.js';
import type { WorkStatistics } from './work-statistics.js';

/** How many answers it counts for what is usual. */
const USUAL_COUNT = 2;
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

/** What requests of a type are in the middle, as logarithms. */
export interface Middle {
  readonly work: number;
  readonly tokens: number;
}

/**
 * How much work requests are if a hypothesis is true, and how that goes with what they write: the
 * log-normal distribution that makes what was answered, and what was not, as likely as can be.
 */
export class LognormalEm {
  readonly middles = new Map<TaskType, Middle>();
  spread = UNTOLD;

  readonly #h: number;
  #steps = FIRST_STEPS;

  /** @param h Which hypothesis. */
  constructor(h: number) {
    this.#h = h;
  }

  /**
   * @param usual What is taken to be so before anything is known.
   * @returns How likely it makes it all, as a logarithm.
   */
  improve(
    works: ReadonlyMap<TaskType, WorkStatistics>,
    groups: readonly Group[],
    usual: Covariance,
  ): number {
    if (this.middles.size === 0) this.spread = usual;
    for (const [type, { count, sums, tokens }] of works) {
      if (this.middles.has(type)) continue;
      this.middles.set(type, { work: (sums[this.#h] as number) / count, tokens: tokens / count });
    }
    for (let step = 0; step < this.#steps; step++) this.#step(works, groups, usual);
    this.#steps = STEPS;
    return this.#likelihood(works, groups, usual);
  }

  /** Expectation and maximisation: what is in flight will take what is left of the distribution. */
  #step(
    works: ReadonlyMap<TaskType, WorkStatistics>,
    groups: readonly Group[],
    usual: Covariance,
  ): void {
    const { xx, xy, yy } = this.spread;
    /** What is written goes with work as work goes with what is written. */
    const slope = xy / yy;
    const rest = xx - slope * xy;
    let count = USUAL_COUNT;
    const deviations = {
      xx: USUAL_COUNT * usual.xx,
      xy: USUAL_COUNT * usual.xy,
      yy: USUAL_COUNT * usual.yy,
    };
    for (const [type, work] of works) {
      const middle = this.middles.get(type) as Middle;
      let n = work.count;
      let x = work.tokens;
      let y = work.sums[this.#h] as number;
      let squaresOfX = work.tokenSquares;
      let squaresOfY = work.squares[this.#h] as number;
      let products = work.products[this.#h] as number;
      for (const group of groups) {
        if (group.type !== type) continue;
        const z = scoreOf(middle, this.spread, group.logs[this.#h] as number);
        const above = meanAbove(z);
        const expected = middle.work + Math.sqrt(yy) * above;
        const variance = yy * Math.max(0, 1 + z * above - above * above);
        const written = middle.tokens + slope * (expected - middle.work);
        n += group.count;
        x += group.count * written;
        y += group.count * expected;
        squaresOfX += group.count * (written * written + rest + slope * slope * variance);
        squaresOfY += group.count * (expected * expected + variance);
        products += group.count * (written * expected + slope * variance);
      }
      count += n;
      deviations.xx += squaresOfX - (x * x) / n;
      deviations.xy += products - (x * y) / n;
      deviations.yy += squaresOfY - (y * y) / n;
      this.middles.set(type, { work: y / n, tokens: x / n });
    }
    this.spread = {
      xx: deviations.xx / count,
      xy: deviations.xy / count,
      yy: deviations.yy / count,
    };
  }

  #likelihood(
    works: ReadonlyMap<TaskType, WorkStatistics>,
    groups: readonly Group[],
    usual: Covariance,
  ): number {
    let count = USUAL_COUNT;
    let xx = USUAL_COUNT * usual.xx;
    let xy = USUAL_COUNT * usual.xy;
    let yy = USUAL_COUNT * usual.yy;
    for (const [type, work] of works) {
      const { work: my, tokens: mx } = this.middles.get(type) as Middle;
      const y = work.sums[this.#h] as number;
      count += work.count;
      xx += work.tokenSquares - 2 * mx * work.tokens + work.count * mx * mx;
      xy += (work.products[this.#h] as number) - mx * y - my * work.tokens + work.count * mx * my;
      yy += (work.squares[this.#h] as number) - 2 * my * y + work.count * my * my;
    }
    const { spread } = this;
    const determinant = spread.xx * spread.yy - spread.xy * spread.xy;
    const distance = spread.yy * xx - 2 * spread.xy * xy + spread.xx * yy;
    let likelihood = -0.5 * (count * Math.log(determinant) + distance / determinant);
    for (const group of groups) {
      const middle = this.middles.get(group.type) as Middle;
      const z = scoreOf(middle, spread, group.logs[this.#h] as number);
      likelihood += group.count * logTail(z);
    }
    return likelihood;
  }
}

/** How far work is above the middle, in deviations, while nobody knows how much is written. */
export function scoreOf(middle: Middle, { yy }: Covariance, log: number): number {
  return (log - middle.work) / Math.sqrt(yy);
}

/** What work is to be expected, as a logarithm, of a request that wrote so much. */
export function expectedWork(middle: Middle, { xx, xy }: Covariance, logTokens: number): number {
  return middle.work + (xy / xx) * (logTokens - middle.tokens);
}
