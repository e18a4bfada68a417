/** What is different from the run as it was recorded. */
export interface ReplayOptions {
  /**
   * The maximum number of attempts in flight: an integer ≥ 1, or Infinity.
   * @default the recorded cap, with its changes
   */
  readonly maxParallel?: number | undefined;
  /**
   * Leave out the attempts that failed and were repeated, and the delays after them.
   * @default false
   */
  readonly withoutRetries?: boolean | undefined;
  /**
   * Leave out the attempts that busy servers refused, and the pauses that they asked for.
   * @default false
   */
  readonly withoutRateLimits?: boolean | undefined;
}

export const REPLAY_OPTIONS: readonly (keyof ReplayOptions)[] = [
  'maxParallel',
  'withoutRetries',
  'withoutRateLimits',
];
