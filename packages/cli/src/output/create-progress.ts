import type { ProgressFlags } from '../options/progress-flags.js';
import { createJsonProgress } from './json-progress.js';
import { createLineProgress } from './line-progress.js';
import type { Progress } from './progress.js';
import { createTerminalProgress } from './terminal-progress.js';

const SILENT: Progress = { onEvent() {}, restore() {}, suspend() {}, resume() {}, stop() {} };

/** Creates a live block on a terminal that can redraw, and lines elsewhere. */
export function createProgress(
  { quiet, logFormat }: ProgressFlags = {},
  stream: NodeJS.WriteStream = process.stderr,
): Progress {
  if (logFormat === 'json') return createJsonProgress(stream);
  if (quiet) return SILENT;
  return stream.isTTY && process.env.TERM !== 'dumb' && logFormat === undefined
    ? createTerminalProgress(stream)
    : createLineProgress(stream);
}
