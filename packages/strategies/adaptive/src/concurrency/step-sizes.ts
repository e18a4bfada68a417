/** How carefully the limit is raised, by how soon it shows that it was raised too far. */
export interface StepSizes {
  /** How likely it may be that more at once bring nothing, for still more to be tried. */
  readonly doubt: number;
  /** How many times as many the first raise brings, */
  readonly first: number;
  /** and any other at most. */
  readonly step: number;
  /** What part of a round must have been heard of before it is raised, */
  readonly soon: number;
  /** and before it counts as harmless. */
  readonly proof: number;
  /** How often in a round the limit is thought over. */
  readonly thoughts: number;
  /** How many times as many a look at more is at. */
  readonly above: number;
  /** What part of a round must have been heard of in a look at more, */
  readonly aboveUntil: number;
  /** and in one at fewer. */
  readonly belowUntil: number;
}

/** Answers do not tell how much they are: only several of them tell a slow server from long answers. */
export const UNTOLD: StepSizes = {
  doubt: 0.05,
  first: 2,
  step: 2,
  soon: 0.2,
  proof: 0.3,
  thoughts: 12,
  above: 2,
  aboveUntil: 0.5,
  belowUntil: 0.3,
};

/** Answers tell how much they are. */
export const TOLD: StepSizes = { ...UNTOLD, doubt: 0.15, first: 1.5 };

/**
 * Text comes while it is written, and each request shows whether it has become slower. So one round is
 * short, and little is lost by waiting for most of one.
 */
export const WRITTEN: StepSizes = {
  doubt: 0.02,
  first: 1.4,
  step: 1.75,
  soon: 0.7,
  proof: 0.7,
  thoughts: 4,
  above: 1.5,
  aboveUntil: 1,
  belowUntil: 1,
};
