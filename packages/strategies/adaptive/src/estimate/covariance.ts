/** The covariance of log tokens (x) and log work (y). */
export interface Covariance {
  readonly xx: number;
  readonly xy: number;
  readonly yy: number;
}

/** The weight of assumptions that were not measured in this run, in observations. */
export const PRIOR_COUNT = 2;
/**
 * A typical standard deviation of log latencies, log answer lengths and log speeds of language models. With 0.2
 * and 0.3, batches differ by less than 0.2 %.
 */
export const DEVIATION = 0.25;
const VARIANCE = DEVIATION ** 2;
/** A typical correlation between latencies and lengths. With 0.6 and 0.8, batches take 0.6 % and 0.3 % longer. */
const CORRELATION = 0.7;

/** The prior where answers report their tokens. */
export const PRIOR_WITH_TOKENS: Covariance = {
  xx: VARIANCE,
  xy: CORRELATION * VARIANCE,
  yy: VARIANCE,
};
/** The prior where answers do not report their tokens. */
export const PRIOR_WITHOUT_TOKENS: Covariance = { ...PRIOR_WITH_TOKENS, xy: 0 };

/** The variance of log work, given the tokens. */
export function residualVariance({ xx, xy, yy }: Covariance): number {
  return yy - (xy * xy) / xx;
}
