/** What there is in a standard normal distribution above a value, as a logarithm. */
export function logTail(z: number): number {
  if (z < -9) return 0;
  if (z < 0) return Math.log1p(-Math.exp(LOG_PEAK - (z * z) / 2) * tailOf(-z));
  return LOG_PEAK - (z * z) / 2 + Math.log(tailOf(z));
}

/** What there is above a value that is not below 0, relative to the density there. */
function tailOf(z: number): number {
  if (z > 4) return 1 / farAbove(z);
  // Abramowitz and Stegun 26.2.17.
  const t = 1 / (1 + 0.2316419 * z);
  return (
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  );
}

/** The mean of what is above a value in a standard normal distribution. */
export function meanAbove(z: number): number {
  if (z > 4) return farAbove(z);
  return Math.exp(LOG_PEAK - (z * z) / 2 - logTail(z));
}

/** The mean far out, as a continued fraction. */
function farAbove(z: number): number {
  return z + 1 / (z + 2 / (z + 3 / (z + 4 / z)));
}

/** The logarithm of the density at 0. */
const LOG_PEAK = -0.5 * Math.log(2 * Math.PI);
