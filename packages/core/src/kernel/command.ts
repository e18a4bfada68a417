import type { StratagemError } from '../contract/errors.js';
import type { ReplanCommand } from './replan.js';

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
  | ReplanCommand
  | { readonly type: 'abort_replan'; readonly error: StratagemError };
