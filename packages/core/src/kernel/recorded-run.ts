import type { EventData } from '../contract/journal.js';
import type { RecoverOptions } from './options.js';
import type { FoldLog } from './recover.js';

/** What is recorded of a run, and the code that folds it. */
export interface RecordedRun extends RecoverOptions {
  readonly log: readonly EventData[];
  readonly fold: FoldLog;
  /** Whether nobody has published the log yet: that of a run that begins with the results of another one. */
  readonly isNew?: boolean | undefined;
}
