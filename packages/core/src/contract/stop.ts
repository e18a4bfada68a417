import type { StratagemError } from './errors.js';
import type { PlanEnding, SkipReason } from './event.js';

/** Why nothing starts any more, although there are tasks left. */
export interface Stop {
  readonly reason: SkipReason;
  readonly failedTaskId?: string;
  /** How the run ends then; otherwise what became of its tasks says so. */
  readonly ending?: PlanEnding;
  /** What runs is aborted with this; otherwise it goes on to its end. */
  readonly abort?: StratagemError;
}
