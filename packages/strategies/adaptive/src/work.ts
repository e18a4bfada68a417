/**
 * How much work the requests of a type are, by their answers, under each hypothesis: sums of
 * logarithms, in which older answers count for less and less.
 */
export class Work {
  /** How many answers that is from. */
  count = 0;
  readonly sums: Float64Array;
  readonly squares: Float64Array;

  constructor(hypotheses: number) {
    this.sums = new Float64Array(hypotheses);
    this.squares = new Float64Array(hypotheses);
  }

  add(h: number, log: number): void {
    this.sums[h] = (this.sums[h] as number) + log;
    this.squares[h] = (this.squares[h] as number) + log * log;
  }

  /** Lets what is known count for a part only. */
  fade(part: number): void {
    this.count *= part;
    for (let h = 0; h < this.sums.length; h++) {
      this.sums[h] = (this.sums[h] as number) * part;
      this.squares[h] = (this.squares[h] as number) * part;
    }
  }

  /** Takes it for granted, as if from so many answers. */
  assume(h: number, log: number, spread: number, count: number): void {
    this.count = count;
    this.sums[h] = count * log;
    this.squares[h] = count * (log * log + spread * spread);
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
