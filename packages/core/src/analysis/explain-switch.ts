import type { StrategySwitch } from '../contract/strategy.js';

/**
 * Why a strategy changed its limit, in plain sentences; empty when it does not say. For logs and reports that
 * show the reason themselves; `describeEvent()` contains it.
 *
 * @example
 * // Likeliest: above 8 at once, requests slow each other down and throughput falls (82 %); or requests do not
 * // slow each other down (11 %). A limit of 8 is expected to lose 3 % of the throughput, 16 would lose 21 %.
 */
export function explainSwitch({ limit, explanations = [], comparison }: StrategySwitch): string {
  const sentences: string[] = [];
  const shown = explanations.map(
    ({ explanation, probability }) => `${explanation} (${percent(probability)})`,
  );
  if (shown.length > 0) sentences.push(`Likeliest: ${shown.join('; or ')}.`);
  if (comparison !== undefined && limit !== undefined) {
    const { expectedLoss, rejectedLimit, rejectedLoss } = comparison;
    sentences.push(
      `A limit of ${limit} is expected to lose ${percent(expectedLoss)} of the throughput, ` +
        `${rejectedLimit} would lose ${percent(rejectedLoss)}.`,
    );
  }
  return sentences.join(' ');
}

function percent(share: number): string {
  if (share > 0 && share < 0.01) return 'less than 1 %';
  return share > 0.99 && share < 1 ? 'more than 99 %' : `${Math.round(100 * share)} %`;
}
