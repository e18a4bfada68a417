import type { Json } from './journal.js';

/** What may be asked of a run that another process carries out; the methods of its handle. Plain JSON. */
export type RunAction =
  | { readonly control: 'cancel'; readonly reason?: string | undefined }
  | { readonly control: 'pause' | 'resume' }
  /** null for no limit. */
  | { readonly control: 'setMaxParallel'; readonly maxParallel: number | null }
  /** The answer is encoded, as values of events are. */
  | { readonly control: 'answer'; readonly taskId: string; readonly answer: Json }
  | {
      readonly control: 'approve';
      readonly taskId: string;
      readonly callId?: string | undefined;
    }
  | {
      readonly control: 'reject';
      readonly taskId: string;
      readonly reason?: string | undefined;
      readonly callId?: string | undefined;
    }
  | {
      readonly control: 'cancelTask' | 'skipTask';
      readonly taskId: string;
      readonly reason?: string | undefined;
    };

/** Something that a process asks of a run that another one carries out. Plain JSON. */
export interface RunRequest {
  /** At most 128 characters; names the request among those of all runs. */
  readonly id: string;
  readonly runId: string;
  readonly action: RunAction;
}

/** A request that nobody has replied to. */
export interface PendingRequest extends RunRequest {
  /** The number of events that the run had when it was made: an end after that was not its answer. */
  readonly position: number;
}

/** What has become of a request: it was done, or it is refused for this reason. */
export interface RunReply {
  readonly error?: { readonly code: string; readonly message: string } | undefined;
}
