import { type Hypothesis, speedOf } from '../estimate/hypotheses.js';

/** The throughput lost by a number in flight other than the best one, averaged over the hypotheses. */
export class ExpectedLoss {
  readonly #hypotheses: readonly Hypothesis[];
  /** Throughput must grow faster than this power of the number in flight. */
  readonly #penalty: number;
  /** The utility of the best number, by hypothesis. */
  readonly #best: readonly number[];
  /** The loss under each hypothesis, by the number in flight. */
  readonly #losses = new Map<number, Float64Array>();

  /**
   * @param threshold The share of the possible gain that a higher limit must bring.
   * @param max The most requests in flight.
   */
  constructor(hypotheses: readonly Hypothesis[], threshold: number, max: number) {
    this.#hypotheses = hypotheses;
    this.#penalty = Math.log2(1 + threshold);
    // The utility is monotonic on either side of the knee.
    this.#best = hypotheses.map((each) =>
      Math.max(this.#utility(each, Math.min(each.knee, max)), this.#utility(each, max)),
    );
  }

  /** The expected log ratio of the best utility to that of this number in flight. */
  at(inFlight: number, probabilities: Float64Array): number {
    const losses = this.#lossesAt(inFlight);
    let sum = 0;
    for (let h = 0; h < losses.length; h++) {
      sum += (probabilities[h] as number) * (losses[h] as number);
    }
    return sum;
  }

  #lossesAt(inFlight: number): Float64Array {
    let losses = this.#losses.get(inFlight);
    if (losses === undefined) {
      losses = Float64Array.from(
        this.#hypotheses,
        (each, h) => (this.#best[h] as number) - this.#utility(each, inFlight),
      );
      this.#losses.set(inFlight, losses);
    }
    return losses;
  }

  /** Log throughput minus the penalty for concurrency. */
  #utility(hypothesis: Hypothesis, inFlight: number): number {
    return (1 - this.#penalty) * Math.log(inFlight) + Math.log(speedOf(hypothesis, inFlight));
  }
}
