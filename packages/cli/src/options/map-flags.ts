import type { RowFormat } from '@stratagem/datasets';
import type { OutputFlags } from './page-flags.js';
import type { ProgressFlags } from './progress-flags.js';
import type { ExecutorFlags, InputFlag, InputFlags, LimitFlags, ModuleFlags } from './run-flags.js';

/** The flags of `stratagem map`. */
export interface MapFlags
  extends ProgressFlags,
    ExecutorFlags,
    LimitFlags,
    InputFlags,
    OutputFlags,
    ModuleFlags {
  /** The file with the rows; `-` is standard input. */
  readonly each: string;
  readonly rowFormat?: RowFormat;
  readonly delimiter?: string;
  /** The column for each input. */
  readonly bind?: readonly InputFlag[];
  readonly where?: string;
  readonly limit?: number;
  readonly shuffle?: number;
  /** How many rows come first. */
  readonly sample?: number;
  /** Whether requests go through the Batch API of the provider where they can. */
  readonly batch?: boolean;
  /** How often to ask whether a job of the Batch API is done, in milliseconds. */
  readonly batchPoll?: number;
  readonly id?: string;
  readonly retryFailed?: boolean;
  readonly reuse?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
  readonly journal?: string;
  readonly journalOption?: string;
}
