import type { Ending } from '../kernel/recorder.js';
import type { StratagemError } from './errors.js';
import type { SkipReason } from './event.js';

/** Why no more tasks start, although some are left. */
export interface Stop {
  readonly reason: SkipReason;
  readonly failedTaskId?: string | undefined;
  /** How the run ends; by default, this follows from its tasks. */
  readonly ending?: Ending | undefined;
  /** Running attempts are aborted with this error; by default, they finish. */
  readonly abort?: StratagemError | undefined;
}
