import { styleText } from 'node:util';
import type { TaskResult } from '@stratagem/core';
import { failureMessage } from './failure-message.js';
import { formatDuration } from './format-duration.js';
import { STATES } from './labels.js';
import { loopText } from './loop-words.js';
import { explainMissingOutput } from './skip-reason.js';
import { onOneLine, padTo, widthOf } from './terminal-text.js';

/** More rows of one status than this are counted instead of shown. */
const MAX_ROWS = 50;

/** Formats tasks as a table, one line each, with subtasks below their parents. */
export function taskTable(tasks: readonly TaskResult[], stream: NodeJS.WriteStream): string {
  const depths = depthsOf(tasks);
  const columnsOf = (task: TaskResult) =>
    2 * (depths.get(task.id) ?? 0) + widthOf(onOneLine(task.id, 40));
  const width = Math.min(40, Math.max(...tasks.slice(0, 500).map(columnsOf)));
  const shown = new Map<string, number>();
  const rows: string[] = [];
  for (const task of withChildrenBelow(tasks)) {
    const count = (shown.get(task.status) ?? 0) + 1;
    shown.set(task.status, count);
    if (count <= MAX_ROWS) rows.push(row(task, width, depths.get(task.id) ?? 0, stream));
  }
  for (const [status, count] of shown) {
    if (count > MAX_ROWS) rows.push(`  … and ${count - MAX_ROWS} more ${status}`);
  }
  return `${rows.join('\n')}\n`;
}

/** The depth of each task below the top-level tasks of the plan. */
function depthsOf(tasks: readonly TaskResult[]): Map<string, number> {
  const depths = new Map<string, number>();
  for (const { id, parentId } of tasks) {
    depths.set(id, parentId === undefined ? 0 : (depths.get(parentId) ?? 0) + 1);
  }
  return depths;
}

/** A result lists the tasks of a fan-out last; the report lists them below their parent. */
function withChildrenBelow(tasks: readonly TaskResult[]): TaskResult[] {
  const children = new Map<string | undefined, TaskResult[]>();
  for (const task of tasks) {
    const siblings = children.get(task.parentId);
    if (siblings === undefined) children.set(task.parentId, [task]);
    else siblings.push(task);
  }
  const ordered: TaskResult[] = [];
  const pending = (children.get(undefined) ?? []).toReversed();
  for (let task = pending.pop(); task !== undefined; task = pending.pop()) {
    ordered.push(task);
    for (const child of (children.get(task.id) ?? []).toReversed()) pending.push(child);
  }
  return ordered;
}

function row(task: TaskResult, width: number, depth: number, stream: NodeJS.WriteStream): string {
  const [colour, symbol] = STATES[task.status];
  const indent = ' '.repeat(Math.min(2 * depth, width - 1));
  const id = padTo(onOneLine(task.id, width - indent.length), width - indent.length);
  const duration = task.durationMs === undefined ? '' : formatDuration(task.durationMs);
  const mark = styleText(colour, symbol, { stream });
  const attempts = task.attempts > 1 ? `${task.attempts} attempts  ` : '';
  return `  ${indent}${mark} ${id}  ${duration.padStart(7)}  ${attempts}${detail(task)}`.trimEnd();
}

function detail(task: TaskResult): string {
  const { error, loop, replacedInRound } = task;
  const ended = loop === undefined ? explainMissingOutput(task) : loopText(loop);
  const text = error === undefined ? ended : failureMessage(error);
  const replaced =
    replacedInRound === undefined ? '' : ` (replaced in replanning round ${replacedInRound})`;
  return onOneLine(text, 200) + replaced;
}
