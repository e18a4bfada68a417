import type { Graph } from '../graph/graph.js';
import type { RunState } from '../state/run-state.js';
import type { BudgetKeeper } from './budget.js';
import type { Command } from './command.js';
import type { KernelOptions } from './options.js';
import type { Recorder } from './recorder.js';
import type { Timers } from './timers.js';

/** What the parts of a kernel share. Whatever else a part knows, it keeps to itself. */
export interface KernelParts {
  readonly options: KernelOptions;
  /** It grows with the run. */
  readonly graph: Graph;
  readonly state: RunState;
  /** Whatever happens is said here, and comes into the state by that alone. */
  readonly record: Recorder;
  readonly budget: BudgetKeeper | undefined;
  /** Ends of attempts, of waits between them, and of waits for humans. */
  readonly timers: Timers;
  /** For each task, when it became ready or, without attempts of its own, began. */
  readonly readyAt: number[];
  /** Work for the driver. */
  readonly commands: Command[];
}
