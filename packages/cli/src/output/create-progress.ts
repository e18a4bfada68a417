import { createLineProgress } from './line-progress.js';
import type { Progress } from './progress.js';
import { createTerminalProgress } from './terminal-progress.js';

/** Creates a live block on a terminal that can redraw, and lines elsewhere. */
export function createProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  return stream.isTTY && process.env.TERM !== 'dumb'
    ? createTerminalProgress(stream)
    : createLineProgress(stream);
}
