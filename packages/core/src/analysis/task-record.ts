import type { TaskError } from '../contract/errors.js';
import type { Usage } from '../contract/usage.js';

/** What a task is doing; why a ready one waits follows from the run as a whole. */
export type PhaseKind =
  | 'blocked'
  | 'ready'
  | 'attempt'
  | 'backoff'
  | 'person'
  | 'children'
  | 'settled';

export interface Phase {
  readonly kind: PhaseKind;
  readonly startMs: number;
  readonly attempt: AttemptRecord | undefined;
  /** For a delay, when it is over; not rounded. */
  untilMs: number | undefined;
  /** The index of the task that ended the wait of `blocked`; -1 for none. */
  by: number;
}

export interface ToolRecord {
  readonly callId: string;
  readonly tool: string;
  readonly startMs: number;
  endMs: number | undefined;
  ok: boolean | undefined;
  readonly input: unknown;
  output?: unknown;
  message?: string | undefined;
}

export interface AttemptRecord {
  readonly attempt: number;
  readonly startMs: number;
  beginMs: number;
  endMs: number | undefined;
  outcome: 'running' | 'completed' | 'retried' | 'failed' | 'canceled';
  error: TaskError | undefined;
  usage: Usage | undefined;
  costUsd: number | undefined;
  model: string | undefined;
  requestId: string | undefined;
  firstOutputMs: number | undefined;
  letters: number;
  words: number;
  /** Whether the streamed text ends within a word. */
  isInWord: boolean;
  tools: ToolRecord[] | undefined;
}

/** The life of one task, as phases that each start where the one before ends. */
export interface TaskRecord {
  readonly index: number;
  readonly bornMs: number;
  /** The index of the task that added it; -1 for none. */
  readonly bornBy: number;
  /** The round of re-planning that added it, as a position in the list of rounds; -1 for none. */
  readonly bornIn: number;
  readonly phases: Phase[];
  attempts: AttemptRecord[] | undefined;
  endMs: number | undefined;
  /** Position of the event that settled it. */
  settledAt: number;
  /** What its last attempt competed for. */
  resource: string | undefined;
}
