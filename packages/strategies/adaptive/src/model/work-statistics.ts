import type { Covariance } from './covariance.js';

/**
 * How much work the requests of a type are, by their answers, under each hypothesis, and how much
 * was written: sums of logarithms, in which older answers count for less and less.
 */
export class WorkStatistics {
  /** How many answers that is from. */
  count = 0;
  tokens = 0;
  tokenSquares = 0;
  readonly sums: Float64Array;
  readonly squares: Float64Array;
  /** Of work and tokens. */
  readonly products: Float64Array;

  constructor(hypotheses: number) {
    this.sums = new Float64Array(hypotheses);
    this.squares = new Float64Array(hypotheses);
    this.products = new Float64Array(hypotheses);
  }

  /** One more answer; its work is to be added under each hypothesis. */
  answered(logTokens: number): void {
    this.count++;
    this.tokens += logTokens;
    this.tokenSquares += logTokens * logTokens;
  }

  add(h: number, log: number, logTokens: number): void {
    this.sums[h] = (this.sums[h] as number) + log;
    this.squares[h] = (this.squares[h] as number) + log * log;
    this.products[h] = (this.products[h] as number) + log * logTokens;
  }

  /** Lets what is known count for a part only. */
  fade(part: number): void {
    this.count *= part;
    this.tokens *= part;
    this.tokenSquares *= part;
    for (let h = 0; h < this.sums.length; h++) {
      this.sums[h] = (this.sums[h] as number) * part;
      this.squares[h] = (this.squares[h] as number) * part;
      this.products[h] = (this.products[h] as number) * part;
    }
  }

  /** Takes it for granted, as if from so many answers. */
  assume(
    h: number,
    log: number,
    logTokens: number,
    { xx, xy, yy }: Covariance,
    count: number,
  ): void {
    this.count = count;
    this.tokens = count * logTokens;
    this.tokenSquares = count * (logTokens * logTokens + xx);
    this.sums[h] = count * log;
    this.squares[h] = count * (log * log + yy);
    this.products[h] = count * (log * logTokens + xy);
  }
}

/** The logarithm of the work that was done between two states of progress under a hypothesis. */
export function logWork(from: Float64Array, to: Float64Array, h: number): number {
  return logOf((to[h] as number) - (from[h] as number));
}

/** The logarithm of work, which may be too little to have one. */
export function logOf(workMs: number): number {
  return Math.log(Math.max(1e-9, workMs));
}
