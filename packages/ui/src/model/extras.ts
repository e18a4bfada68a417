/** What a page knows of a run beside its log. */
export interface RunExtras {
  /** The command that runs again what failed. */
  readonly retryCommand?: string | undefined;
  /** The run has a journal: it can be interrupted, and resumed later. */
  readonly isRecorded?: boolean | undefined;
  /** The date of the price list behind the cost. */
  readonly pricesAsOf?: string | undefined;
  /** What this page may do with the run; empty for a recorded run. */
  readonly controls?: readonly Control[] | undefined;
  /** The runs that began with the results of this one, and what is different in them. */
  readonly forks?: readonly RelatedRun[] | undefined;
  /** What a replay with another limit would take, such as "With a limit of 24: about 1 m 02 s." */
  readonly replay?: string | undefined;
}

/** A run, and in words what relates it to another one. */
export interface RelatedRun {
  readonly runId: string;
  readonly text: string;
}

/** What a page can ask of a run. */
export const CONTROLS = [
  'cancel',
  'interrupt',
  'pause',
  'resume',
  'setMaxParallel',
  'approve',
  'answer',
  'reject',
  'cancelTask',
  'skipTask',
  'retryFailed',
] as const;

export type Control = (typeof CONTROLS)[number];

export interface Action {
  readonly control: Control;
  readonly taskId?: string | undefined;
  /** For `setMaxParallel`; null for no limit. */
  readonly maxParallel?: number | null | undefined;
  readonly answer?: unknown | undefined;
  /** For `approve` and `reject`: the call of a tool that it is about. */
  readonly callId?: string | undefined;
  readonly reason?: string | undefined;
}
