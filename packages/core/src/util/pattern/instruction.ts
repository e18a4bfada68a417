import type { Range } from './character-ranges.js';

/** Whether a position between two characters matches; -1 is the start or the end of the text. */
export type Assertion = (before: number, after: number) => boolean;

/**
 * Offsets are relative to the instruction, so that code can be copied to repeat it. The end of the
 * program is a match.
 */
export type Instruction =
  | { readonly op: 'character'; readonly code: number }
  | { readonly op: 'class'; readonly ranges: readonly Range[] }
  | { readonly op: 'assert'; readonly holds: Assertion }
  | { readonly op: 'jump' | 'split'; readonly offset: number };
