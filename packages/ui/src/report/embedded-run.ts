import type { RunExtras } from '../model/extras.js';
import type { RunModel, TaskDetail } from '../model/run-model.js';

/** A run inside a report. */
export interface EmbeddedRun {
  readonly model: RunModel;
  readonly extras: RunExtras;
  /** The texts of each task, in the order of the tasks. */
  readonly details: readonly TaskDetail[];
}
