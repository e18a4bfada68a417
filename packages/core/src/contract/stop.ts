import type { StratagemError } from './errors.js';
import type { RunEnding, SkipReason } from './event.js';

/** Why no more tasks start, although some are left. */
export interface Stop {
  readonly reason: SkipReason;
  readonly failedTaskId?: string | undefined;
  /** How the run ends; by default, this follows from its tasks. */
  readonly ending?: RunEnding | undefined;
  /** Running attempts are aborted with this error; by default, they finish. */
  readonly abort?: StratagemError | undefined;
}
