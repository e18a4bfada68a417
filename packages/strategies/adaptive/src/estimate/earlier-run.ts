import { type Hypothesis, PLAUSIBLE, speedOf } from './hypotheses.js';
import type { ByKind, LearnedResource, Likely } from './learned.js';
import type { Means, PooledRegression } from './pooled-regression.js';
import type { Kind } from './request.js';

/** The probability that a server has not changed since an earlier run. */
const UNCHANGED = 0.9;

/** What a run passes on to later ones about a server. */
export type EarlierRun = Pick<LearnedResource, 'limit' | 'likely' | 'outputTokens'>;

/** The hypotheses worth keeping, most likely first; empty before the first answer. */
export function likelyOf(
  hypotheses: readonly Hypothesis[],
  probabilities: Float64Array,
  answers: PooledRegression<Kind>,
): readonly Likely[] {
  if (answers.groups.size === 0) return [];
  return hypotheses
    .map(({ knee, exponent }, h) => ({
      ...(Number.isFinite(knee) && { knee, exponent }),
      probability: Number((probabilities[h] as number).toPrecision(3)),
      work: mediansOf(answers, ({ work }) => work[h] as number),
    }))
    .filter(({ probability }) => probability >= PLAUSIBLE)
    .sort((a, b) => b.probability - a.probability);
}

/** The median output tokens, by kind; undefined where answers do not report them. */
export function outputTokensOf(answers: PooledRegression<Kind>): ByKind | undefined {
  return answers.hasSizes ? mediansOf(answers, ({ size }) => size) : undefined;
}

/**
 * Starts `answers` with the means of an earlier run. The server may have changed since.
 *
 * @param max The most requests in flight.
 * @returns The log ratio of the probability from the earlier run to the prior, by hypothesis.
 */
export function startFrom(
  { limit, likely = [], outputTokens }: EarlierRun,
  hypotheses: readonly Hypothesis[],
  max: number,
  answers: PooledRegression<Kind>,
): Float64Array {
  const [likeliest] = likely;
  if (likeliest === undefined) return new Float64Array(hypotheses.length);
  answers.hasSizes = outputTokens !== undefined;
  const found = new Map<number, Likely>();
  for (const each of likely) {
    const h = nearestHypothesis(each, hypotheses, max);
    const probability = (found.get(h)?.probability ?? 0) + each.probability;
    found.set(h, { ...(found.get(h) ?? each), probability });
  }
  const observed = hypotheses[nearestHypothesis(likeliest, hypotheses, max)] as Hypothesis;
  for (const kind of Object.keys(likeliest.work)) {
    const work = Float64Array.from(hypotheses, (hypothesis, h) => {
      const known = found.get(h)?.work[kind];
      if (known !== undefined) return Math.log(known);
      // An unlikely hypothesis must predict the observed durations as well.
      const relative = speedOf(hypothesis, limit) / speedOf(observed, limit);
      return Math.log((likeliest.work[kind] as number) * relative);
    });
    const size = Math.log(outputTokens?.[kind] ?? 1);
    answers.setMeans(kind, { size, work });
  }
  const total = likely.reduce((sum, { probability }) => sum + probability, 0);
  return Float64Array.from(hypotheses, ({ prior }, h) => {
    const share = (UNCHANGED * (found.get(h)?.probability ?? 0)) / total;
    return Math.log(share / prior + (1 - UNCHANGED));
  });
}

/** The hypothesis nearest to one from another grid. A knee at or above the cap is no knee. */
function nearestHypothesis(
  { knee = Number.POSITIVE_INFINITY, exponent = 0 }: Likely,
  hypotheses: readonly Hypothesis[],
  max: number,
): number {
  if (knee >= max) return 0;
  const distances = hypotheses.map(
    (each) => Math.abs(Math.log(each.knee / knee)) + Math.abs(each.exponent - exponent),
  );
  return distances.indexOf(Math.min(...distances));
}

/** The median of a log-normal distribution is the exponential of its log mean. */
function mediansOf(answers: PooledRegression<Kind>, logOf: (means: Means) => number): ByKind {
  return Object.fromEntries(
    Array.from(answers.groups, ([kind, means]) => [kind, Math.exp(logOf(means))]),
  );
}
