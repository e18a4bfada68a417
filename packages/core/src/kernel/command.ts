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
  | ReadCommand
  | { readonly type: 'abort_replan'; readonly error: StratagemError };

/** Asks the driver for a revision of the plan. */
export interface ReplanCommand {
  readonly type: 'replan';
  readonly situation: Situation;
  /** When the run must be over, as Unix time in milliseconds; undefined without a limit. */
  readonly deadline: number | undefined;
}

/** Asks the driver for the next items of the stream of a fan-out. It answers once, also when there are none. */
export interface ReadCommand {
  readonly type: 'read';
  readonly index: number;
  /** How many items have been read before. */
  readonly skip: number;
  /** The hash of those; undefined when there are none. */
  readonly hash: string | undefined;
  /** How many are needed; fewer will do. */
  readonly count: number;
}
