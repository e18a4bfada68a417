import type { CancelReason, SkipReason } from './event.js';

const NOT_CHOSEN: readonly unknown[] = ['condition_false', 'nothing_failed', 'requested'];

/**
 * Whether a task was skipped, for this reason, because the plan does without it: it counts as settled but provides no
 * output. Its dependents run, unless none of their dependencies was chosen.
 */
export function isNotChosenFor(reason: SkipReason | CancelReason | undefined): boolean {
  return NOT_CHOSEN.includes(reason);
}
