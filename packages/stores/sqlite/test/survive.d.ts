import type { Journal } from '@stratagem/core';

export interface SurviveOptions {
  /** The runs that are killed together. */
  readonly seeds: readonly string[];
  readonly durability: 'full' | 'normal';
  /** The length of a few outputs. */
  readonly largeBytes?: number;
  /** How far the wall clock jumps, back and forth. */
  readonly clockStepMs?: number;
  /** Chooses the moments of the kills. */
  readonly random?: () => number;
}

/**
 * Begins runs, kills their process repeatedly, lets them end, and checks everything recorded: nothing
 * that was acknowledged is lost, no task runs again after that, and no file has what was redacted.
 *
 * @throws {AssertionError} when that is not so.
 */
export function surviveKills(
  openJournal: (directory: string) => Journal & { close(): Promise<void> },
  directory: string,
  options: SurviveOptions,
): Promise<{ readonly kills: number; readonly repeated: number }>;
