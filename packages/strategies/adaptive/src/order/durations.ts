import type { TaskType } from '@stratagem/core';

/** How much a new latency counts beside what is known of its type. */
const NEWEST = 0.1;

/**
 * How long tasks take, by type. Averages of logarithms: one that takes ten times as long as usual
 * then counts for little.
 */
export class Durations {
  readonly #logs = new Map<TaskType, { log: number; count: number }>();

  constructor(knownMs: Readonly<Partial<Record<TaskType, number>>> = {}) {
    for (const [type, durationMs] of Object.entries(knownMs)) {
      this.#logs.set(type as TaskType, { log: Math.log(durationMs), count: 1 / NEWEST });
    }
  }

  learn(type: TaskType, latencyMs: number): void {
    const log = Math.log(Math.max(1, latencyMs));
    const known = this.#logs.get(type);
    if (known === undefined) {
      this.#logs.set(type, { log, count: 1 });
      return;
    }
    known.count++;
    known.log += (log - known.log) * Math.max(NEWEST, 1 / known.count);
  }

  /** What a task of this type takes; of a type that has not been seen, what the others take. */
  usualMs(type: TaskType): number {
    const known = this.#logs.get(type);
    if (known !== undefined) return Math.exp(known.log);
    let sum = 0;
    for (const { log } of this.#logs.values()) sum += log;
    return this.#logs.size === 0 ? 1 : Math.exp(sum / this.#logs.size);
  }

  get types(): readonly TaskType[] {
    return [...this.#logs.keys()];
  }

  /** As plain data. */
  toJSON(): Partial<Record<TaskType, number>> {
    return Object.fromEntries(this.types.map((type) => [type, this.usualMs(type)]));
  }
}
