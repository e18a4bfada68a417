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
}

export const fixed = (maxParallel: number): Contender => ({
  name: `fixed at ${maxParallel}`,
  create: () => parallel({ maxParallel }),
});

export const CONTENDERS: readonly Contender[] = [
  { name: 'sequential', create: sequential },
  ...FIXED.slice(1).map(fixed),
  { name: 'original', create: original, adapts: true },
  { name: 'AIMD', create: aimd, adapts: true },
];

/** The one whose cells are shown. */
export const OURS = 'AIMD';
