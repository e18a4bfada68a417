import type { StratagemError } from '../contract/errors.js';
import type { Situation } from '../contract/replan.js';
import type { ApprovalDecision } from '../contract/tool-approval.js';

/** Work for the driver. Tasks are named by their index in the graph. */
export type Command =
  | {
      readonly type: 'start';
      readonly index: number;
      readonly attempt: number;
      /** When the attempt must be over, as Unix time in milliseconds; undefined without a limit. */
      readonly deadline: number | undefined;
      /** Its carrier still works on it, since before the run was resumed. */
      readonly isAttached: boolean;
    }
  | {
      readonly type: 'abort';
      readonly index: number;
      readonly attempt: number;
      readonly error: StratagemError;
    }
  | {
      /** An attempt may call a tool that it asked about, or may not. */
      readonly type: 'decide';
      readonly index: number;
      readonly attempt: number;
      readonly key: string;
      readonly decision: ApprovalDecision;
    }
  | ReplanCommand
  | { readonly type: 'abort_replan'; readonly error: StratagemError };

/** Asks the driver for a revision of the plan. */
export interface ReplanCommand {
  readonly type: 'replan';
  readonly situation: Situation;
  /** When the run must be over, as Unix time in milliseconds; undefined without a limit. */
  readonly deadline: number | undefined;
}
