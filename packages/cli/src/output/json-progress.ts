import type { RunEvent } from '@stratagem/core';
import { escapeUnsafe } from './json-text.js';
import type { Progress } from './progress.js';

/** One JSON object for each event, on a line of its own, with the milliseconds since the start. */
export function createJsonProgress(stream: { write(text: string): unknown }): Progress {
  let startedAt = 0;
  const note = (event: RunEvent) => {
    if (event.type === 'run_started') startedAt = event.timestamp;
  };
  return {
    restore: note,
    onEvent(event) {
      note(event);
      const line = JSON.stringify({ ...event, atMs: event.timestamp - startedAt });
      stream.write(`${escapeUnsafe(line)}\n`);
    },
    suspend() {},
    resume() {},
    stop() {},
  };
}
