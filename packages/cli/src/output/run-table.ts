import { styleText } from 'node:util';
import type { RunListing } from '@stratagem/core';
import { UUID } from './run-id.js';
import { onOneLine, padTo, widthOf } from './terminal-text.js';

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
const MAX_GOAL_WIDTH = 60;
/** A goal of fewer columns says nothing: then the seconds and the middles of ids are left out. */
const MIN_GOAL_WIDTH = 20;
/** A goal that is cut to fewer columns is left out. */
const MIN_CUT_GOAL = 6;
/** Between two columns. */
const GAP = 2;

/** Formats runs as a table, one line each. On a terminal that is too narrow, ids are cut to their unique starts. */
export function runTable(runs: readonly RunListing[], stream: NodeJS.WriteStream): string {
  const columns = stream.columns ?? Number.POSITIVE_INFINITY;
  const whole = rowsOf(runs, false);
  const isNarrow = goalRoom(whole, columns) < MIN_GOAL_WIDTH;
  const rows = isNarrow ? rowsOf(runs, true) : whole;
  const room = Math.min(MAX_GOAL_WIDTH, goalRoom(rows, columns));
  const { id: idWidth, status: statusWidth, counts: countWidth } = widthsOf(rows);
  return rows
    .map(({ id, status, counts, started, goal }) => {
      const [colour, symbol] = SYMBOLS[status];
      const mark = styleText(colour, symbol, { stream });
      const cells = [
        `  ${mark} ${padTo(id, idWidth)}`,
        padTo(status, statusWidth),
        counts.padStart(countWidth),
        ...(room + GAP < 0 ? [] : [started]),
        ...(room < MIN_CUT_GOAL ? [] : [onOneLine(goal, room)]),
      ];
      return cells.join(' '.repeat(GAP)).trimEnd();
    })
    .join('\n');
}

type Row = ReturnType<typeof rowsOf>[number];

function rowsOf(runs: readonly RunListing[], isShort: boolean) {
  const starts = isShort ? startsOf(runs.map(({ id }) => id)) : undefined;
  return runs.map((run, position) => ({
    status: run.status,
    goal: run.goal,
    id: onOneLine(starts?.[position] ?? run.id, MAX_ID_WIDTH),
    counts: `${run.completedTasks} of ${run.totalTasks}`,
    started: localTime(run.startedAt).slice(0, isShort ? -3 : undefined),
  }));
}

function widthsOf(rows: readonly Row[]) {
  const width = (of: (row: Row) => string) => Math.max(...rows.map((row) => widthOf(of(row))));
  return {
    id: width(({ id }) => id),
    status: width(({ status }) => status),
    counts: width(({ counts }) => counts),
    started: width(({ started }) => started),
  };
}

/** The columns that are left for the goal. */
function goalRoom(rows: readonly Row[], columns: number): number {
  const { id, status, counts, started } = widthsOf(rows);
  return columns - 1 - (4 + id + status + counts + started + 4 * GAP);
}

/** The starts of random ids that are unique in the list, of at least eight letters; other ids whole. */
function startsOf(ids: readonly string[]): string[] {
  for (let length = 8; length < 36; length++) {
    const starts = ids.map((id) => (UUID.test(id) ? id.slice(0, length) : id));
    if (new Set(starts).size === new Set(ids).size) return starts;
  }
  return [...ids];
}

/** `2026-11-26 08:14:03`, in the local time zone. */
function localTime(timestamp: number): string {
  const date = new Date(timestamp);
  const two = (value: number) => `${value}`.padStart(2, '0');
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  return `${day} ${time}`;
}
