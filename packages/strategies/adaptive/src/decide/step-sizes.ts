/**
 * The step sizes of the limit search. The sooner a limit that is too high shows, the longer the
 * search can afford to wait before the next step. A round is as many observations as the limit.
 */
export interface StepSizes {
  /** The limit counts as harmless below this probability that throughput no longer grows there. */
  readonly maxDoubt: number;
  /** The factor of the first raise, */
  readonly firstFactor: number;
  /** and the highest factor of later raises. */
  readonly maxFactor: number;
  /** The share of a round that must be observed before a raise, */
  readonly raiseAfter: number;
  /** and before a limit counts as harmless. */
  readonly provenAfter: number;
  /** Decisions per round. */
  readonly decisionsPerRound: number;
  /** The factor of a probe at a higher limit. */
  readonly probeFactor: number;
  /** The length of a probe at a higher limit, as a share of a round. */
  readonly probeRounds: number;
}

/** Without token counts, only several answers tell a slow server from long answers. */
export const WITHOUT_TOKENS: StepSizes = {
  maxDoubt: 0.05,
  firstFactor: 2,
  maxFactor: 2,
  raiseAfter: 0.2,
  provenAfter: 0.3,
  decisionsPerRound: 12,
  probeFactor: 2,
  probeRounds: 0.5,
};

export const WITH_TOKENS: StepSizes = { ...WITHOUT_TOKENS, maxDoubt: 0.15, firstFactor: 1.5 };

/**
 * With streamed text, each request shows whether it has become slower. Rounds are short then, and
 * waiting for most of one costs little.
 */
export const STREAMING: StepSizes = {
  maxDoubt: 0.02,
  firstFactor: 1.4,
  maxFactor: 1.75,
  raiseAfter: 0.7,
  provenAfter: 0.7,
  decisionsPerRound: 4,
  probeFactor: 1.5,
  probeRounds: 1,
};
