import type { StratagemError } from '../contract/errors.js';
import type { ReplanCommand } from './replan.js';

/** What the driver is to do. Tasks are named by their index in the graph. */
export type Command =
  | {
      readonly type: 'start';
      readonly index: number;
      readonly attempt: number;
      /** When the attempt must be over, as Unix time in milliseconds; undefined without a limit. */
      readonly deadline: number | undefined;
    }
  | { readonly type: 'abort'; readonly index: number; readonly error: StratagemError }
  | ReplanCommand
  | { readonly type: 'abort_replan'; readonly error: StratagemError };
