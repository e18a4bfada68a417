import type { TaskType } from '@stratagem/core';

/** The first quartile of some latencies, as a logarithm: twice as slow is the same step anywhere. */
export interface Quartile {
  readonly log: number;
  /** Standard deviation of the logarithms, as far as the faster half tells; undefined before that. */
  readonly spread: number | undefined;
  /** How many that is from. */
  readonly count: number;
  /** Whether too few are over to say more than that it is at least so much. */
  readonly isLeast?: true;
}

/** Tasks of different types take differently long; only like is compared with like. */
export type Latencies = Map<TaskType, Quartile>;

/** More than so many say no more: what was measured long ago must not outweigh what is now. */
const MAX_COUNT = 64;

/** How long a request has taken, and whether that is all. */
export interface Duration {
  readonly log: number;
  readonly isOver: boolean;
}

/** An eighth of a normal distribution is so many deviations or more below its mean. */
const EIGHTH = 1.15;

/**
 * The first quartile of durations of which some are not over: by the estimator of Kaplan and Meier,
 * which neither waits for those nor takes them for longer than they are known to be.
 *
 * As long as too few are over, it is at least what is returned.
 */
export function quartileOf(durations: readonly Duration[]): Quartile {
  const sorted = durations.toSorted((a, b) => a.log - b.log || Number(b.isOver) - Number(a.isOver));
  const count = sorted.length;
  let share = 1;
  let eighth: number | undefined;
  let quartile: number | undefined;
  for (const [position, { log, isOver }] of sorted.entries()) {
    if (!isOver) continue;
    share *= 1 - 1 / (count - position);
    // Rounding must not make a half of a little more.
    if (share < 0.875 + 1e-9) eighth ??= log;
    if (share < 0.75 + 1e-9) quartile ??= log;
    if (share < 0.5 + 1e-9) {
      return { log: quartile as number, spread: (log - (eighth as number)) / EIGHTH, count };
    }
  }
  if (quartile !== undefined) return { log: quartile, spread: undefined, count };
  return {
    log: (sorted[Math.floor(count / 4)] as Duration).log,
    spread: undefined,
    count,
    isLeast: true,
  };
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
    [...latencies].map(([type, quartile]) => [type, { ...quartile, log: quartile.log + factor }]),
  );
}

/** Two measurements of the same level as one. */
export function merge(before: Latencies, after: Latencies): Latencies {
  const merged = new Map(before);
  for (const [type, quartile] of after) {
    const other = before.get(type);
    if (other === undefined) {
      merged.set(type, quartile);
      continue;
    }
    const share = quartile.count / (quartile.count + other.count);
    merged.set(type, {
      log: other.log + share * (quartile.log - other.log),
      spread: quartile.spread ?? other.spread,
      count: Math.min(MAX_COUNT, other.count + quartile.count),
    });
  }
  return merged;
}
