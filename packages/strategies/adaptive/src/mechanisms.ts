/**
 * The mechanisms of the strategy. `pnpm bench ablation` switches them off one at a time, to show what each is
 * worth. All are on; nothing else changes them, and the package does not export them.
 */
export const MECHANISMS = {
  /** A raise must not exceed twice a limit that is known to be harmless. */
  cautiousRaises: true,
  /** Probes at a higher limit, which notice that the server has become faster. */
  probesAbove: true,
  /** Another raise before the number in flight has adjusted to the last one. */
  earlyRaises: true,
  /** Missing answers show that the server has become slower. */
  missingAnswers: true,
  /** Segments of text are evidence about the knee. */
  textSegments: true,
  /** Output tokens explain a part of the durations. */
  tokenCounts: true,
  /** Requests in flight are censored observations. */
  requestsInFlight: true,
  /** Moments of answers count less where the tasks of a kind differ much. */
  speedRatioShare: true,
};
