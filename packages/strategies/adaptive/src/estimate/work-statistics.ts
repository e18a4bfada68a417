import type { Covariance } from './covariance.js';

/** Less time than this, in milliseconds, says nothing about a server: the text comes from a buffer. */
export const MIN_MS = 1;

/**
 * Sufficient statistics of the answers of one kind of task: sums over log tokens, and over log work
 * under each hypothesis. Older answers decay exponentially.
 */
export class WorkStatistics {
  /** The weight of all answers. */
  count = 0;
  tokens = 0;
  tokenSquares = 0;
  /** Of log work, by hypothesis. */
  readonly sums: Float64Array;
  readonly squares: Float64Array;
  /** Of log work times log tokens, by hypothesis. */
  readonly products: Float64Array;

  /** @param hypotheses The number of hypotheses. */
  constructor(hypotheses: number) {
    this.sums = new Float64Array(hypotheses);
    this.squares = new Float64Array(hypotheses);
    this.products = new Float64Array(hypotheses);
  }

  /** Counts an answer. `addWork` must follow for each hypothesis. */
  addAnswer(logTokens: number): void {
    this.count++;
    this.tokens += logTokens;
    this.tokenSquares += logTokens * logTokens;
  }

  /** @param h The index of the hypothesis. */
  addWork(h: number, logWork: number, logTokens: number): void {
    this.sums[h] = (this.sums[h] as number) + logWork;
    this.squares[h] = (this.squares[h] as number) + logWork * logWork;
    this.products[h] = (this.products[h] as number) + logWork * logTokens;
  }

  /** Multiplies the weight of all answers so far. */
  decay(factor: number): void {
    this.count *= factor;
    this.tokens *= factor;
    this.tokenSquares *= factor;
    for (let h = 0; h < this.sums.length; h++) {
      this.sums[h] = (this.sums[h] as number) * factor;
      this.squares[h] = (this.squares[h] as number) * factor;
      this.products[h] = (this.products[h] as number) * factor;
    }
  }

  /** Replaces the answers by pseudo-answers with these means and this covariance. */
  setPrior(
    h: number,
    logWork: number,
    logTokens: number,
    { xx, xy, yy }: Covariance,
    count: number,
  ): void {
    this.count = count;
    this.tokens = count * logTokens;
    this.tokenSquares = count * (logTokens * logTokens + xx);
    this.sums[h] = count * logWork;
    this.squares[h] = count * (logWork * logWork + yy);
    this.products[h] = count * (logWork * logTokens + xy);
  }
}

/** The logarithm of the work between two progress vectors, under hypothesis `h`. */
export function logWorkBetween(from: Float64Array, to: Float64Array, h: number): number {
  return logWorkOf((to[h] as number) - (from[h] as number));
}

/** The logarithm of work. Work of zero is treated as a tiny amount. */
export function logWorkOf(workMs: number): number {
  return Math.log(Math.max(1e-9, workMs));
}
