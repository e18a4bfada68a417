import { type AdaptiveStrategy, adaptive } from '@stratagem/adaptive';
import type { Strategy } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { sequential } from '@stratagem/sequential';
import { aimd } from './aimd.js';
import { original } from './original.js';

/** The settings among which the best is chosen with hindsight. */
export const FIXED = [1, 2, 4, 8, 16, 32, 64, 128];

export interface Contender {
  readonly name: string;
  readonly create: () => Strategy;
  /** Whether it changes how much it runs at once. */
  readonly adapts?: true;
  /**
   * The same again, with what an earlier run of it learned. That run was on the server as it is
   * before any change, and met other latencies.
   */
  readonly createWarm?: (earlier: Strategy) => Strategy;
  /**
   * Answers come to it in parts of so many tokens, as they do from models, and take as long. Most
   * strategies do not hear of that.
   */
  readonly tokensPerChunk?: number;
}

/** A tenth of what the tasks of most workloads write. */
const TOKENS_PER_PART = 20;
const WITH_ADAPTIVE = { create: adaptive, adapts: true, createWarm: continued } as const;

/** What the row of its warm runs is called. */
export const warm = (name: string) => `${name}, warm`;

export const fixed = (maxParallel: number): Contender => ({
  name: `fixed at ${maxParallel}`,
  create: () => parallel({ maxParallel }),
});

export const CONTENDERS: readonly Contender[] = [
  { name: 'sequential', create: sequential },
  ...FIXED.slice(1).map(fixed),
  { name: 'original', create: original, adapts: true },
  { name: 'AIMD', create: aimd, adapts: true },
  { name: 'adaptive', ...WITH_ADAPTIVE, tokensPerChunk: TOKENS_PER_PART },
  { name: 'adaptive, whole answers', ...WITH_ADAPTIVE },
];

/** What the row of the yardstick is called that is told the best setting with the first answer. */
export const INFORMED = 'told after the first answer';

/** The names of all rows. */
export const ROWS: readonly string[] = [
  ...CONTENDERS.flatMap(({ name, createWarm }) =>
    createWarm === undefined ? [name] : [name, warm(name)],
  ),
  INFORMED,
];

/** The one whose cells are shown. */
export const OURS = 'adaptive';

/** What was learned goes through JSON, as it does from one process to another. */
function continued(earlier: Strategy): Strategy {
  const learned = JSON.stringify((earlier as AdaptiveStrategy).learned());
  return adaptive({ warmStart: JSON.parse(learned) });
}
