import type { RunEvent } from '@stratagem/core';

/** Shows a run while it is going on. */
export interface Progress {
  onEvent(event: RunEvent): void;
  /** Counts an event from before the run was resumed, without showing it again. */
  restore(event: RunEvent): void;
  /** Clears the screen for a question, until `resume` is called. */
  suspend(): void;
  resume(): void;
  /** Leaves the screen tidy; nothing is shown afterwards. */
  stop(): void;
}
