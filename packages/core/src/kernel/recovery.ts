import type { RetriedTask } from '../contract/event.js';

/** A recorded run that has been folded and has yet to be resumed. */
export interface Recovery {
  /** Tasks that are done once more. */
  readonly retried: readonly RetriedTask[];
  readonly isAlive: (taskId: string, attempt: number) => boolean;
  /** Whether the run had ended. */
  readonly hadEnded: boolean;
  /** Says that the run is resumed. */
  readonly record: () => void;
  /** Makes again what only lives in memory. */
  readonly resume: () => void;
}
