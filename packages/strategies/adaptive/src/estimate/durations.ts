/** The least weight of a new duration in the moving averages. */
const NEW_WEIGHT = 0.1;
/** The least deviation of logarithms: that of the answers to similar prompts. */
const LEAST_DEVIATION = 0.5;
/** The deviations above which a duration is unusual. With 2, it is often just a long one; with 4, losses are noticed late. */
const UNUSUAL = 2.5;

/**
 * Typical durations by type or kind of task: moving averages of logarithms, so that a single very long task
 * has little influence.
 */
export class Durations {
  readonly #logs = new Map<string, { log: number; variance: number; count: number }>();

  constructor(knownMs: Readonly<Record<string, number>> = {}) {
    for (const [type, durationMs] of Object.entries(knownMs)) {
      const log = Math.log(durationMs);
      this.#logs.set(type, { log, variance: 0, count: 1 / NEW_WEIGHT });
    }
  }

  record(type: string, durationMs: number): void {
    const log = Math.log(durationMs);
    const known = this.#logs.get(type) ?? { log, variance: 0, count: 0 };
    this.#logs.set(type, known);
    known.count++;
    const weight = Math.max(NEW_WEIGHT, 1 / known.count);
    const difference = log - known.log;
    known.log += weight * difference;
    known.variance = (1 - weight) * (known.variance + weight * difference * difference);
  }

  /** A duration that is too long for a type; Infinity before its first task. */
  unusualMs(type: string): number {
    const known = this.#logs.get(type);
    if (known === undefined) return Number.POSITIVE_INFINITY;
    return Math.exp(known.log + UNUSUAL * Math.max(LEAST_DEVIATION, Math.sqrt(known.variance)));
  }

  /** The typical duration of a type; for an unknown type, the mean over the known ones. */
  typicalMs(type: string): number {
    const known = this.#logs.get(type);
    if (known !== undefined) return Math.exp(known.log);
    let sum = 0;
    for (const { log } of this.#logs.values()) sum += log;
    return this.#logs.size === 0 ? 1 : Math.exp(sum / this.#logs.size);
  }

  get types(): readonly string[] {
    return [...this.#logs.keys()];
  }

  toJSON(): Record<string, number> {
    return Object.fromEntries(this.types.map((type) => [type, this.typicalMs(type)]));
  }
}
