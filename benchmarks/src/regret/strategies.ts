import { type AdaptiveStrategy, adaptive } from '@stratagem/adaptive';
import type { Strategy } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { sequential } from '@stratagem/sequential';
import { aimd } from './aimd.js';
import { original } from './original.js';

/** The fixed settings; the best is chosen with hindsight. */
export const FIXED = [1, 2, 4, 8, 16, 32, 64, 128];

export interface StrategyCase {
  readonly name: string;
  readonly create: () => Strategy;
  /** Whether it adapts its concurrency. */
  readonly adapts?: true;
  /**
   * Creates it with the data of an earlier run, which was on the server before any change and had other
   * latencies.
   */
  readonly createWarm?: (earlier: Strategy) => Strategy;
  /**
   * Streams answers in parts of this many tokens, as models do, without changing when they end. Most
   * strategies ignore parts.
   */
  readonly tokensPerChunk?: number;
}

/** A tenth of the output of the tasks of most workloads. */
const TOKENS_PER_PART = 20;
const WITH_ADAPTIVE = { create: adaptive, adapts: true, createWarm: continued } as const;

/** The name of the row of warm runs. */
export const warm = (name: string) => `${name}, warm`;

export const fixed = (maxParallel: number): StrategyCase => ({
  name: `fixed at ${maxParallel}`,
  create: () => parallel({ maxParallel }),
});

export const STRATEGIES: readonly StrategyCase[] = [
  { name: 'sequential', create: sequential },
  ...FIXED.slice(1).map(fixed),
  { name: 'original', create: original, adapts: true },
  { name: 'AIMD', create: aimd, adapts: true },
  { name: 'adaptive', ...WITH_ADAPTIVE, tokensPerChunk: TOKENS_PER_PART },
  { name: 'adaptive, whole answers', ...WITH_ADAPTIVE },
];

/** The name of the row of the yardstick. */
export const INFORMED = 'told after the first answer';

/** The names of all rows. */
export const ROWS: readonly string[] = [
  ...STRATEGIES.flatMap(({ name, createWarm }) =>
    createWarm === undefined ? [name] : [name, warm(name)],
  ),
  INFORMED,
];

/** The strategy whose cells are shown. */
export const OURS = 'adaptive';

/** Passes the learned data through JSON, as between processes. */
function continued(earlier: Strategy): Strategy {
  const learned = JSON.stringify((earlier as AdaptiveStrategy).learned());
  return adaptive({ warmStart: JSON.parse(learned) });
}
