import type { EventData } from '../contract/journal.js';
import { Kernel } from './kernel.js';
import type { RecoverOptions } from './options.js';
import { foldLog } from './recover.js';

/** A kernel that can take up recorded runs. Apart from it, so that other programs do not load that code. */
export class RecoveringKernel extends Kernel {
  /**
   * Folds a recorded log, so that `start` resumes the run: recorded results count, attempts in flight
   * start again as the same attempts. To be called once, before any input; the log may end anywhere.
   * A run that had ended stays as it is, unless `retryFailed` finds tasks to re-run.
   */
  recover(log: Iterable<EventData>, options: RecoverOptions = {}): void {
    this.recoverWith(foldLog, log, options);
  }
}
