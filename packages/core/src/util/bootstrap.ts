/** The 90 % quantiles of Student's t beside that of the normal distribution, by degrees of freedom from 1. */
const T_RATIO = [2.401, 1.471, 1.278, 1.196, 1.152, 1.123, 1.104, 1.09, 1.079, 1.071];

/** Draws the positions of a sample, each as often as its weight says. */
export type PositionDraw = (random: () => number) => number;

/**
 * Draws from a sample as the Bayesian bootstrap does: how often each value occurs among all is unknown, so each
 * call gives the values other weights.
 *
 * @param random Returns numbers in [0, 1).
 *
 * @example
 * const draw = bootstrapOf(durations.length, random);
 * const duration = durations[draw(random)];
 */
export function bootstrapOf(count: number, random: () => number): PositionDraw {
  let sum = 0;
  const sums = Array.from({ length: count }, () => {
    sum -= Math.log(1 - random());
    return sum;
  });
  return (next) => firstAbove(sums, next() * sum);
}

/**
 * How much the mean of a sample varies beyond what the weights of the bootstrap show, as a share of the deviation of
 * its values. The weights know nothing beyond the sample; Student's t does. At least two values.
 */
export function meanUncertainty(count: number): number {
  const ratio = T_RATIO[count - 2] ?? 1 + 0.7 / count;
  const known = (count - 1) / count / (count + 1);
  return Math.sqrt(Math.max(0, ratio ** 2 / count - known));
}

/** The position of the first of these ascending numbers that is above another, or of the last one. */
function firstAbove(numbers: readonly number[], least: number): number {
  let low = 0;
  let high = numbers.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] as number) > least) high = middle;
    else low = middle + 1;
  }
  return low;
}
