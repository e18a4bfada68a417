import type { LogFormat } from './choices.js';
import { UsageError } from './usage-error.js';

/** How a run is shown on standard error while it is going on, and at its end. */
export interface ProgressFlags {
  /** Nothing but errors, and the summary of a run that did not complete. */
  readonly quiet?: boolean;
  readonly logFormat?: LogFormat;
}

/** @throws {UsageError} for options that exclude each other. */
export function checkProgressFlags({ quiet, logFormat }: ProgressFlags): void {
  if (!quiet || logFormat === undefined) return;
  throw new UsageError('--quiet and --log-format cannot be combined: remove one');
}
