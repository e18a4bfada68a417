import { type Hypothesis, speedOf } from '../model/hypotheses.js';

/** With all of the gain as a toll, nothing would be better than one at a time. */
const MOST_TOLL = 0.9;

/** What is lost by having some number in flight that is not the best, over all hypotheses. */
export class ExpectedLoss {
  readonly #hypotheses: readonly Hypothesis[];
  /** By what power of how many more are in flight throughput must grow for that to be worth it. */
  readonly #toll: number;
  /** What the best number is worth, by hypothesis. */
  readonly #best: readonly number[];
  /** What is lost under each hypothesis, by the number in flight. */
  readonly #losses = new Map<number, Float64Array>();

  /**
   * @param threshold What share of the possible gain more at once must bring.
   * @param max The most that may be in flight.
   */
  constructor(hypotheses: readonly Hypothesis[], threshold: number, max: number) {
    this.#hypotheses = hypotheses;
    this.#toll = Math.min(MOST_TOLL, Math.log2(1 + threshold));
    // It rises up to the knee, and rises or falls from there.
    this.#best = hypotheses.map((each) =>
      Math.max(this.#worth(each, Math.min(each.knee, max)), this.#worth(each, max)),
    );
  }

  /** By how much throughput is lower than it might be on average, as a logarithm. */
  loss(inFlight: number, probabilities: Float64Array): number {
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
        (each, h) => (this.#best[h] as number) - this.#worth(each, inFlight),
      );
      this.#losses.set(inFlight, losses);
    }
    return losses;
  }

  /** The logarithm of throughput, less the toll. */
  #worth(hypothesis: Hypothesis, inFlight: number): number {
    return (1 - this.#toll) * Math.log(inFlight) + Math.log(speedOf(hypothesis, inFlight));
  }
}
