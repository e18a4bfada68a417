import type { Strategy } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { sequential } from '@stratagem/sequential';
import { aimd } from './aimd.js';

/** The settings among which the best is chosen with hindsight. */
export const FIXED = [1, 2, 4, 8, 16, 32, 64, 128];

export interface Contender {
  readonly name: string;
  readonly create: () => Strategy;
}

export const fixed = (maxParallel: number): Contender => ({
  name: `${maxParallel} at once`,
  create: () => parallel({ maxParallel }),
});

export const CONTENDERS: readonly Contender[] = [
  { name: 'sequential', create: sequential },
  ...FIXED.map(fixed),
  { name: 'AIMD', create: aimd },
];
