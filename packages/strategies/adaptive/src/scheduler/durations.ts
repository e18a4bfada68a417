import type { TaskType } from '@stratagem/core';

/** The least weight of a new latency in the moving average. */
const NEW_WEIGHT = 0.1;

/**
 * Typical durations by task type: moving averages of logarithms, so that a single very long task has
 * little influence.
 */
export class Durations {
  readonly #logs = new Map<TaskType, { log: number; count: number }>();

  constructor(knownMs: Readonly<Partial<Record<TaskType, number>>> = {}) {
    for (const [type, durationMs] of Object.entries(knownMs)) {
      this.#logs.set(type as TaskType, { log: Math.log(durationMs), count: 1 / NEW_WEIGHT });
    }
  }

  record(type: TaskType, latencyMs: number): void {
    const log = Math.log(Math.max(1, latencyMs));
    const known = this.#logs.get(type);
    if (known === undefined) {
      this.#logs.set(type, { log, count: 1 });
      return;
    }
    known.count++;
    known.log += (log - known.log) * Math.max(NEW_WEIGHT, 1 / known.count);
  }

  /** The typical duration of a type; for an unknown type, the mean over the known ones. */
  typicalMs(type: TaskType): number {
    const known = this.#logs.get(type);
    if (known !== undefined) return Math.exp(known.log);
    let sum = 0;
    for (const { log } of this.#logs.values()) sum += log;
    return this.#logs.size === 0 ? 1 : Math.exp(sum / this.#logs.size);
  }

  get types(): readonly TaskType[] {
    return [...this.#logs.keys()];
  }

  toJSON(): Partial<Record<TaskType, number>> {
    return Object.fromEntries(this.types.map((type) => [type, this.typicalMs(type)]));
  }
}
