import type { PlanEvent } from '@stratagem/core';
import { createLineProgress } from './line-progress.js';
import { createTerminalProgress } from './terminal-progress.js';

/** Something that shows a run while it goes on. */
export interface Progress {
  onEvent(event: PlanEvent): void;
  /** Something that happened before, in a run that goes on: it counts, and is not shown again. */
  recall(event: PlanEvent): void;
  /** Makes room on the screen for a question; what is shown comes back with `resume`. */
  suspend(): void;
  resume(): void;
  /** Leaves the screen tidy; nothing is shown after it. */
  stop(): void;
}

/** A live block on a terminal that can redraw; otherwise lines. Both on standard error. */
export function createProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  return stream.isTTY && process.env.TERM !== 'dumb'
    ? createTerminalProgress(stream)
    : createLineProgress(stream);
}
