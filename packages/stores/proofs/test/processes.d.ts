export type Role = 'coordinator' | 'worker';

export interface Processes {
  readonly killedAt: ReadonlyMap<number, number>;
  /** What processes have written before they ended by themselves, by their ids. */
  readonly crashes: ReadonlyMap<number, string>;
  replace(index: number): Promise<void>;
  suspend(index: number, durationMs: number): Promise<void>;
  end(): Promise<void>;
}

export interface ProcessSettings {
  readonly url: string;
  /** The file of their notes. */
  readonly notes: string;
  /** No run ends before this file exists. */
  readonly gate: string;
  readonly leaseMs: number;
  readonly maxRuns: number;
  /** The longest time of an attempt. */
  readonly maxMs: number;
  /** Whether workers carry out the attempts of the coordinators. */
  readonly hasWorkers: boolean;
}

/** A line that a process has written. */
export interface Note {
  readonly pid: number;
  /** An attempt starts, stops, or is acknowledged; a run begins or ends here, or is lost; the process is up. */
  readonly what: 'up' | 'start' | 'stop' | 'done' | 'begin' | 'end' | 'lost' | 'error';
  readonly runId: string;
  readonly taskId?: string;
  readonly attempt?: number;
  readonly at: number;
}

export function startProcesses(
  roles: readonly Role[],
  given: ProcessSettings,
  onDot?: () => void,
): Processes;

export function readNotes(file: string): Note[];
export function ownedByTwo(notes: readonly Note[], killedAt: ReadonlyMap<number, number>): string[];
export function begunTooLate(notes: readonly Note[]): string[];
export function mostAtOnce(notes: readonly Note[], killedAt: ReadonlyMap<number, number>): number;
