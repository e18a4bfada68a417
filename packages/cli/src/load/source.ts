import type { PlanProblem } from '@stratagem/core';

/** An error in a file, and its position. */
export interface SourceProblem {
  readonly offset: number;
  readonly message: string;
}

/** The values of a file, which remember their positions. */
export interface Source {
  readonly value: unknown;
  /** Errors that leave the values readable, such as duplicate keys. */
  readonly problems: readonly SourceProblem[];
  /** The position of a problem: that of the value, or of its key when the key is wrong. */
  offsetOf(problem: Pick<PlanProblem, 'code' | 'path'>): number;
}

/** Deeper values are refused: readers of a plan walk through its values by recursion. */
export const MAX_NESTING = 500;

export const NESTED_TOO_DEEPLY = `values are nested too deeply: more than ${MAX_NESTING} levels`;
