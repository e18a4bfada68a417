import type { RelatedRun } from './extras.js';

/**
 * What the pages and pictures show of a run: plain JSON, built from its event log. Times are
 * milliseconds since the start of the run.
 */
export interface RunModel {
  readonly runId: string | undefined;
  readonly goal: string;
  readonly status: ModelStatus;
  readonly strategy: string;
  /** Runners and models of the run, such as "simulated · sim-large"; empty when unknown. */
  readonly models: readonly string[];
  /** Unix time in milliseconds. */
  readonly startedAt: number;
  /** The end of the run; the time of the model while the run is under way. */
  readonly now: number;
  readonly isLive: boolean;
  /** No task starts, because the run is paused. */
  readonly isPaused: boolean;
  /** Why the run did not complete. */
  readonly error?: ModelError | undefined;
  /** The number of the last event in the model; −1 before the first. */
  readonly sequence: number;
  readonly figures: Figures;
  /** The parts of the critical path in order of time; together they are the whole run. */
  readonly parts: readonly Part[];
  /** How long each cause decided the time; the sum is `now`. */
  readonly sums: Readonly<Partial<Record<Cause, number>>>;
  /** Failed tasks by cause, the most frequent first. */
  readonly failures: readonly FailureGroup[];
  /** Each change of the number of running tasks: time and number. */
  readonly concurrency: readonly (readonly [at: number, running: number])[];
  /** Each change of the limit; null without one. */
  readonly caps: readonly (readonly [at: number, limit: number | null])[];
  /** Times in which a server had asked for a pause. */
  readonly pauses: readonly Pause[];
  /** Times in which the run was paused. */
  readonly holds: readonly (readonly [from: number, to: number])[];
  readonly tasks: readonly TaskModel[];
  readonly events: readonly EventLine[];
  /** The run whose results this one began with, and in words: its last event that counts, and what is different. */
  readonly forkedFrom?: RelatedRun | undefined;
  /** Something about the record that a reader must know, such as a damaged end. */
  readonly notice?: string | undefined;
}

export type ModelStatus =
  | 'created'
  | 'running'
  | 'completed'
  | 'failed'
  | 'canceled'
  | 'interrupted'
  | 'queued';

/** The status of a task as it is shown. */
export type ShownStatus =
  | 'completed'
  | 'failed'
  | 'running'
  | 'retrying'
  | 'waiting'
  | 'skipped'
  | 'canceled'
  | 'pending';

/** A call of a tool that waits for an approval. */
export interface WaitingCall {
  readonly callId: string;
  readonly tool: string;
  /** Its input as text. */
  readonly input: string;
}

/** What time was spent on. */
export type Cause =
  | 'run'
  | 'cap'
  | 'limit'
  | 'retry'
  | 'human'
  | 'hold'
  | 'budget'
  | 'strategy'
  | 'queue'
  | 'replan'
  | 'dep'
  | 'other';

export interface ModelError {
  readonly code: string;
  readonly message: string;
}

export interface Figures {
  readonly total: number;
  readonly counts: Readonly<Record<ShownStatus, number>>;
  /** Duration of all attempts. */
  readonly workMs: number;
  /**
   * How many times faster than one attempt at a time. Undefined when attempts were lost with their process: what
   * they had done is unknown, but its time has passed.
   */
  readonly speedup?: number | undefined;
  readonly peak: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Null when the price of some tokens is unknown. */
  readonly costUsd: number | null;
  /** How long the run will probably still take; undefined without an estimate. */
  readonly leftMs?: number | undefined;
}

export interface Part {
  readonly cause: Cause;
  readonly from: number;
  readonly to: number;
  readonly task: string;
}

export interface Pause {
  readonly from: number;
  readonly to: number;
  readonly resource: string;
}

export interface FailureGroup {
  readonly message: string;
  readonly tasks: readonly string[];
}

/** A stretch of time of a task after its start. */
export interface Segment {
  readonly kind: 'run' | 'fail' | 'backoff' | 'human';
  readonly from: number;
  /** Undefined while it lasts. */
  readonly to?: number | undefined;
  readonly attempt?: number | undefined;
  readonly error?: ModelError | undefined;
  /** The attempt was aborted. */
  readonly isCut?: true | undefined;
  /** The failure after which there was no other attempt. */
  readonly isLast?: true | undefined;
}

/** A stretch of time in which a task was ready and did not run. */
export interface Wait {
  readonly cause: Cause;
  readonly from: number;
  /** Undefined while it lasts. */
  readonly to?: number | undefined;
}

export interface LoopEnd {
  readonly ending: 'reached' | 'exhausted' | 'failed';
  readonly iterations: number;
}

export interface TaskModel {
  readonly id: string;
  readonly type: string;
  readonly level: number;
  readonly status: ShownStatus;
  readonly parent?: string | undefined;
  /** Children of a group, in their order; undefined for other tasks. */
  readonly children?: readonly string[] | undefined;
  /** How a loop ended, and after how many iterations; its iterations are its children. */
  readonly loop?: LoopEnd | undefined;
  readonly human?: 'approval' | 'answer' | undefined;
  /** The tasks whose outputs it takes, or those of its group. */
  readonly inputs: readonly string[];
  readonly segments: readonly Segment[];
  readonly waits: readonly Wait[];
  /** When its dependencies had settled. */
  readonly ready?: number | undefined;
  readonly start?: number | undefined;
  readonly end?: number | undefined;
  readonly attempts: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costUsd?: number | undefined;
  readonly model?: string | undefined;
  readonly error?: ModelError | undefined;
  /** Why it was skipped or canceled. */
  readonly reason?: string | undefined;
  /** For a skipped task: the failed task that caused it. */
  readonly failedTask?: string | undefined;
  /** The dependency that settled last. */
  readonly lastInput?: string | undefined;
  readonly isCritical?: true | undefined;
  /** The start of its prompt. */
  readonly prompt: string;
  /** The question of a human step that waits. */
  readonly question?: string | undefined;
  /** The calls of tools that wait for an approval. */
  readonly calls?: readonly WaitingCall[] | undefined;
}

/** One line of the list of events. */
export interface EventLine {
  readonly sequence: number;
  readonly at: number;
  readonly type: string;
  readonly task?: string | undefined;
  /** One sentence. */
  readonly text: string;
}

/** The texts of a task; each is cut at a limit. */
export interface TaskDetail {
  readonly prompt: CutText;
  readonly output?: CutText | undefined;
  /** Text that a running or failed attempt has written. */
  readonly partial?: CutText | undefined;
  readonly question?: CutText | undefined;
  readonly steps: readonly ToolStep[];
  /** The sources that the output cites, each once. */
  readonly sources?: readonly SourceLink[] | undefined;
}

/** A source: an address that can be opened, or a title alone. */
export interface SourceLink {
  readonly title: string;
  readonly url?: string | undefined;
}

export interface ToolStep {
  readonly tool: string;
  readonly attempt: number;
  readonly at: number;
  readonly durationMs?: number | undefined;
  readonly input: string;
  readonly ok?: boolean | undefined;
  readonly result?: CutText | undefined;
}

/** A text, and its whole length in bytes of UTF-8 when it was cut. */
export interface CutText {
  readonly text: string;
  readonly cutFrom?: number | undefined;
}
