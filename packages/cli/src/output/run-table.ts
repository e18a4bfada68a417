import { styleText } from 'node:util';
import type { RunListing } from '@stratagem/core';
import { onOneLine, padTo } from './terminal-text.js';

const SYMBOLS = {
  completed: ['green', '✓'],
  failed: ['red', '✗'],
  canceled: ['yellow', '■'],
  interrupted: ['yellow', '!'],
  running: ['cyan', '▸'],
  created: ['dim', '·'],
  queued: ['dim', '…'],
} as const;

/** The longest id of a run. */
const MAX_ID_WIDTH = 128;

/** Formats runs as a table, one line each. */
export function runTable(runs: readonly RunListing[], stream: NodeJS.WriteStream): string {
  const rows = runs.map((run) => ({
    ...run,
    id: onOneLine(run.id, MAX_ID_WIDTH),
    counts: `${run.completedTasks} of ${run.totalTasks}`,
    started: localTime(run.startedAt),
  }));
  const width = (of: (row: (typeof rows)[number]) => string) =>
    Math.max(...rows.map((row) => of(row).length));
  const idWidth = width(({ id }) => id);
  const statusWidth = width(({ status }) => status);
  const countWidth = width(({ counts }) => counts);
  return rows
    .map(({ id, status, counts, started, goal }) => {
      const [colour, symbol] = SYMBOLS[status];
      const mark = styleText(colour, symbol, { stream });
      const columns = `${padTo(status, statusWidth)}  ${counts.padStart(countWidth)}  ${started}`;
      return `  ${mark} ${padTo(id, idWidth)}  ${columns}  ${onOneLine(goal, 60)}`;
    })
    .join('\n');
}

/** `2026-11-26 08:14:03`, in the local time zone. */
function localTime(timestamp: number): string {
  const date = new Date(timestamp);
  const two = (value: number) => `${value}`.padStart(2, '0');
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  return `${day} ${time}`;
}
