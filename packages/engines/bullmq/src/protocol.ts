import type { Json } from '@stratagem/core/journal';
import type { AttemptCarrier } from '@stratagem/core/kernel';

/** What a human has decided about a call of a tool. */
export type Decision = Parameters<NonNullable<AttemptCarrier['decide']>>[2];

/** The channel of all workers. */
export const WORKERS = 'workers';
/** The channel of all coordinators. */
export const COORDINATORS = 'coordinators';

/** The job of one attempt. As text: PostgreSQL refuses `\u0000` in JSON. */
export interface JobData {
  /** The `AttemptCall`. */
  readonly call: string;
  /** The channel of the coordinator. */
  readonly to: string;
  /** Whether the end of the attempt is recorded: no worker may begin it again. */
  readonly hasEnded?: true | undefined;
}

/** What a job returns: the last report of its attempt, encoded, as text. */
export type JobResult = string;

/** The result of the job of an attempt that was canceled. */
export const CANCELED: JobResult = JSON.stringify({ type: 'canceled' });

/** Reports of workers to coordinators. */
export type WorkerMessage =
  /** Report `n` of a session: the reports of one try of a worker, as one coordinator gets them, from 1. */
  | {
      readonly k: string;
      readonly s: string;
      readonly n: number;
      /** The channel of the worker. */
      readonly w: string;
      /** The encoded report; left out for an end that is too long, which the queue has. */
      readonly r?: Json | undefined;
    }
  /** A decision about a call has arrived. */
  | { readonly k: string; readonly decided: string }
  /** The worker works on these keys. */
  | { readonly beat: readonly string[]; readonly w: string }
  /** The worker is there. */
  | { readonly hello: string };

/** What coordinators tell workers. */
export type CoordinatorMessage =
  /** All reports of a session up to `n` have arrived. */
  | { readonly t: 'ack'; readonly k: string; readonly s: string; readonly n: number }
  /** Send the reports about an attempt to this channel, after report `n` of session `s`. */
  | {
      readonly t: 'attach';
      readonly k: string;
      readonly to: string;
      readonly s?: string | undefined;
      readonly n?: number | undefined;
    }
  /** The coordinator of this channel does not want an attempt any more; nobody does when it has ended. */
  | {
      readonly t: 'cancel';
      readonly k: string;
      readonly from: string;
      readonly hasEnded?: true | undefined;
    }
  | {
      readonly t: 'decide';
      readonly k: string;
      readonly call: string;
      readonly decision: Decision;
    };
