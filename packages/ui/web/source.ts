import type { Action, RunExtras } from '../src/model/extras.js';
import type { ModelStatus, RunModel, TaskDetail } from '../src/model/run-model.js';
import type { RunSummary } from '../src/model/run-summary.js';

/** A run as the page has it. */
export interface ShownRun {
  readonly model: RunModel;
  readonly extras: RunExtras;
  /** When the model came, on the clock of `performance.now()`. */
  readonly receivedAt: number;
}

/** An entry of the list of runs. */
export interface RunEntry {
  readonly id: string;
  readonly goal: string;
  readonly status: ModelStatus;
  readonly startedAt: number;
  readonly completed: number;
  readonly total: number;
  /** Undefined until the run has been read. */
  readonly summary?: RunSummary | undefined;
}

export type Connection =
  | { readonly state: 'open' }
  | { readonly state: 'lost'; readonly retryAt: number }
  /** Nothing answers any more, and nothing is tried again. */
  | { readonly state: 'gone' };

export interface Watcher {
  run(run: ShownRun): void;
  /** The run does not exist. */
  missing(): void;
  connection(connection: Connection): void;
}

/** Where the page gets runs from: the file itself, or a server. */
export interface Source {
  /** Whether a server answers, so that there is a list of runs and a run may change. */
  readonly isServed: boolean;
  /** The runs of a report; empty when served. */
  readonly keys: readonly string[];
  /** Where the runs are, such as ".stratagem". */
  readonly journal?: string | undefined;
  watch(key: string, watcher: Watcher): () => void;
  watchRuns(
    shown: (runs: readonly RunEntry[]) => void,
    watcher: Pick<Watcher, 'connection'>,
  ): () => void;
  detail(key: string, taskId: string): Promise<TaskDetail | undefined>;
  /** The ids of the tasks whose prompt or output has a text, in lower case. */
  search(key: string, text: string): Promise<readonly string[]>;
  /** Rejects with a message for people. */
  act(key: string, action: Action): Promise<void>;
}
