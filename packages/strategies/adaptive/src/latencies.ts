import type { TaskType } from '@stratagem/core';

/** The middle of some latencies, as logarithms: twice as slow is the same step from anywhere. */
export interface Middle {
  readonly log: number;
  /** Standard deviation, as far as the faster half tells. */
  readonly spread: number;
  /** How many that is from. */
  readonly count: number;
}

/** Tasks of different types take differently long; only like is compared with like. */
export type Latencies = Map<TaskType, Middle>;

/** More than so many say no more: what was measured long ago must not outweigh what is now. */
const MAX_COUNT = 64;

/** How long a request has taken, and whether that is all. */
export interface Duration {
  readonly log: number;
  readonly isOver: boolean;
}

/**
 * The middle of durations of which some are not over: by the estimator of Kaplan and Meier, which
 * neither waits for those nor takes them for longer than they are known to be.
 */
export function middleOf(durations: readonly Duration[]): Middle | undefined {
  const sorted = durations.toSorted((a, b) => a.log - b.log || Number(b.isOver) - Number(a.isOver));
  let share = 1;
  let quarter: number | undefined;
  for (const [position, { log, isOver }] of sorted.entries()) {
    if (!isOver) continue;
    share *= 1 - 1 / (sorted.length - position);
    // Rounding must not make a half of a little more.
    if (share < 0.75 + 1e-9) quarter ??= log;
    if (share < 0.5 + 1e-9) {
      return { log, spread: (log - (quarter ?? log)) / 0.6745, count: sorted.length };
    }
  }
  return undefined;
}

/**
 * By how much `after` is slower than `before`, as a logarithm; and how much that is worth: the error
 * is that of one latency over the root of the weight.
 */
export function compare(before: Latencies, after: Latencies): { slower: number; weight: number } {
  let slower = 0;
  let weight = 0;
  for (const [type, { log, count }] of after) {
    const other = before.get(type);
    if (other === undefined) continue;
    const own = 1 / (1 / count + 1 / other.count);
    slower += own * (log - other.log);
    weight += own;
  }
  return { slower: weight === 0 ? 0 : slower / weight, weight };
}

/** The same latencies, so many times as long; the factor is a logarithm. */
export function scale(latencies: Latencies, factor: number): Latencies {
  return new Map(
    [...latencies].map(([type, middle]) => [type, { ...middle, log: middle.log + factor }]),
  );
}

/** Two measurements of the same level as one. */
export function merge(before: Latencies, after: Latencies): Latencies {
  const merged = new Map(before);
  for (const [type, middle] of after) {
    const other = before.get(type);
    if (other === undefined) {
      merged.set(type, middle);
      continue;
    }
    const share = middle.count / (middle.count + other.count);
    merged.set(type, {
      log: other.log + share * (middle.log - other.log),
      spread: other.spread + share * (middle.spread - other.spread),
      count: Math.min(MAX_COUNT, other.count + middle.count),
    });
  }
  return merged;
}
