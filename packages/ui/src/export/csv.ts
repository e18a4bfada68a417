import type { RunModel, TaskModel } from '../model/run-model.js';
import { runMsOf, shownMsOf, waitMsOf } from '../view/run-view.js';

type Cell = string | number | undefined;

const COLUMNS: readonly (readonly [string, (task: TaskModel, now: number) => Cell])[] = [
  ['task', ({ id }) => id],
  ['status', ({ status }) => status],
  ['type', ({ type }) => type],
  ['level', ({ level }) => level],
  ['group', ({ parent }) => parent],
  ['attempts', ({ attempts }) => attempts],
  ['start_ms', ({ start }) => start],
  ['end_ms', ({ end }) => end],
  ['waited_ms', (task, now) => Math.round(waitMsOf(task, now))],
  ['ran_ms', (task, now) => Math.round(task.children ? shownMsOf(task, now) : runMsOf(task, now))],
  ['input_tokens', ({ inputTokens }) => inputTokens],
  ['output_tokens', ({ outputTokens }) => outputTokens],
  ['cost_usd', ({ costUsd }) => costUsd],
  ['model', ({ model }) => model],
  ['critical_path', ({ isCritical }) => (isCritical ? 'yes' : 'no')],
  ['error', ({ error }) => error?.message],
];

/** The tasks of a run as a table for spreadsheets. */
export function csvOf({ tasks, now }: RunModel): string {
  const rows = tasks.map((task) => COLUMNS.map(([, cell]) => quoted(cell(task, now))).join(','));
  return `${COLUMNS.map(([name]) => name).join(',')}\r\n${rows.join('\r\n')}\r\n`;
}

/** A text that begins like a formula would be run as one. */
function quoted(cell: Cell): string {
  if (cell === undefined) return '';
  if (typeof cell === 'number') return String(cell);
  const text = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n']/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
