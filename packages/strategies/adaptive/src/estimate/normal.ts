/** The logarithm of the probability that a standard normal variable is above `z`. */
export function logSurvival(z: number): number {
  // Practically certain, and by far the most frequent case.
  if (z < -5) return 0;
  if (z < 0) return Math.log1p(-densityAt(z) * millsRatio(-z));
  return LOG_PEAK - (z * z) / 2 + Math.log(millsRatio(z));
}

/** The mean of a standard normal variable, given that it is above `z`: the inverse Mills ratio. */
export function truncatedMean(z: number): number {
  if (z >= 0) return 1 / millsRatio(z);
  const density = densityAt(z);
  return density / (1 - density * millsRatio(-z));
}

/** The survival probability over the density; `z` must not be negative. */
function millsRatio(z: number): number {
  // A continued fraction, accurate for large `z`.
  if (z > 4) return 1 / (z + 1 / (z + 2 / (z + 3 / (z + 4 / z))));
  // Abramowitz and Stegun 26.2.17.
  const t = 1 / (1 + 0.2316419 * z);
  return (
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  );
}

function densityAt(z: number): number {
  return Math.exp(LOG_PEAK - (z * z) / 2);
}

/** The logarithm of the density at 0. */
const LOG_PEAK = -0.5 * Math.log(2 * Math.PI);
