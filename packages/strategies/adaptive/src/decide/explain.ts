import type { StrategyExplanation } from '@stratagem/core';
import { type Hypothesis, PLAUSIBLE } from '../estimate/hypotheses.js';

/** At most this many explanations. */
const MOST = 3;
/** Nothing is certain: rounding must not say so. */
const MOST_PROBABLE = 0.999;

/** The likeliest knees as sentences, likeliest first. */
export function explain(
  hypotheses: readonly Hypothesis[],
  probabilities: Float64Array,
): StrategyExplanation[] {
  const knees = new Map<number, { total: number; most: number; exponent: number }>();
  for (const [h, { knee, exponent }] of hypotheses.entries()) {
    const probability = probabilities[h] as number;
    const same = knees.get(knee) ?? { total: 0, most: -1, exponent };
    knees.set(knee, same);
    same.total += probability;
    if (probability > same.most) Object.assign(same, { most: probability, exponent });
  }
  return Array.from(knees, ([knee, { total, exponent }]) => ({
    explanation: sentenceOf(knee, exponent),
    probability: probabilityOf(total),
  }))
    .sort((a, b) => b.probability - a.probability)
    .filter(({ probability }, position) => position === 0 || probability >= PLAUSIBLE)
    .slice(0, MOST);
}

/** The share of throughput that is lost, from a log ratio. */
export function shareOf(logLoss: number): number {
  return rounded(1 - Math.exp(-Math.max(0, logLoss)));
}

/** The probability of log odds. */
export function probabilityOfOdds(logOdds: number): number {
  return probabilityOf(1 / (1 + Math.exp(-logOdds)));
}

function probabilityOf(value: number): number {
  return Math.min(MOST_PROBABLE, rounded(value));
}

function sentenceOf(knee: number, exponent: number): string {
  if (exponent === 0) return 'requests do not slow each other down';
  const gain = exponent < 1 ? 'still grows' : exponent === 1 ? 'no longer grows' : 'falls';
  return `above ${knee} at once, requests slow each other down and throughput ${gain}`;
}

function rounded(value: number): number {
  return Number(value.toFixed(3));
}
