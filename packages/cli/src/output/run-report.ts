import { styleText } from 'node:util';
import { Graph, type Metrics, RunState, type TaskResult } from '@stratagem/core';
import type { GoalResult } from '@stratagem/planner';
import stringWidth from 'string-width';
import { formatDuration } from '../options/parse-duration.js';
import type { ShownRun } from './displayable-run.js';
import { failureOf } from './failure-message.js';
import { explainNotRun } from './skip-reason.js';
import { forTerminal, onOneLine, padTo } from './terminal-text.js';

/** More rows of one kind than this are counted instead of shown. */
const MAX_ROWS = 50;

const SIGNS = {
  completed: ['green', '✓'],
  failed: ['red', '✗'],
  skipped: ['yellow', '–'],
  canceled: ['yellow', '■'],
  pending: ['dim', '·'],
  running: ['dim', '·'],
} as const;

/** What a run brought, for people: each task, the final outputs in full, the figures. */
export function report(result: ShownRun): string {
  return [
    heading(result),
    taskTable(result.tasks),
    ...finalOutputs(result),
    ...figures(result.metrics),
  ]
    .join('\n\n')
    .concat('\n');
}

/** The same for a goal, with what making the plan took; nothing when nothing was run. */
export function goalReport({ result, planning, usage, costUsd }: GoalResult): string {
  if (result === undefined) return '';
  const made = planning.result?.metrics;
  if (made === undefined) return report(result);
  const { executionTimeMs, usage: planned } = made;
  const parts = [
    `planned in ${formatDuration(executionTimeMs)}`,
    `tokens ${planned.inputTokens} in, ${planned.outputTokens} out`,
    `with the run ${usage.inputTokens} in, ${usage.outputTokens} out`,
    `cost ${costText(costUsd)}`,
  ];
  const line = styleText('dim', parts.join(' · '), { stream: process.stdout });
  return `${report(result)}${line}\n`;
}

function costText(costUsd: number | null): string {
  return costUsd === null ? 'unknown' : `$${costUsd.toFixed(4)}`;
}

function heading(result: ShownRun): string {
  const { goal, status, error, metrics, strategy, goalProgress } = result;
  const colour = status === 'completed' ? 'green' : status === 'failed' ? 'red' : 'yellow';
  const { completedTasks, totalTasks, executionTimeMs } = metrics;
  const line = `${completedTasks} of ${totalTasks} tasks completed in ${formatDuration(executionTimeMs)}, ${strategy}`;
  const lines = [
    styleText('bold', onOneLine(goal, 200), { stream: process.stdout }),
    `${styleText(colour, status, { stream: process.stdout })}: ${line}`,
  ];
  const { replanRounds } = metrics;
  if (replanRounds > 0) {
    lines.push(`re-planned in ${replanRounds === 1 ? '1 round' : `${replanRounds} rounds`}`);
  }
  if (goalProgress !== undefined) lines.push(`goal ${Math.round(goalProgress.progress * 100)} %`);
  if (error !== undefined) lines.push(forTerminal(error.message));
  return lines.join('\n');
}

function taskTable(tasks: readonly TaskResult[]): string {
  const depths = depthsOf(tasks);
  const widthOf = (task: TaskResult) =>
    2 * (depths.get(task.id) ?? 0) + stringWidth(onOneLine(task.id, 40));
  const width = Math.min(40, Math.max(...tasks.slice(0, 500).map(widthOf)));
  const shown = new Map<string, number>();
  const rows: string[] = [];
  for (const task of withChildrenBelow(tasks)) {
    const count = (shown.get(task.status) ?? 0) + 1;
    shown.set(task.status, count);
    if (count <= MAX_ROWS) rows.push(row(task, width, depths.get(task.id) ?? 0));
  }
  for (const [status, count] of shown) {
    if (count > MAX_ROWS) rows.push(`  … and ${count - MAX_ROWS} more ${status}`);
  }
  return rows.join('\n');
}

/** How deep each task stands below the tasks of the plan itself. */
function depthsOf(tasks: readonly TaskResult[]): Map<string, number> {
  const depths = new Map<string, number>();
  for (const { id, parentId } of tasks) {
    depths.set(id, parentId === undefined ? 0 : (depths.get(parentId) ?? 0) + 1);
  }
  return depths;
}

/** The elements of a fan-out come last in a result, and below their fan-out in a report. */
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

function row(task: TaskResult, width: number, depth: number): string {
  const [colour, sign] = SIGNS[task.status];
  const indent = ' '.repeat(Math.min(2 * depth, width - 1));
  const id = padTo(onOneLine(task.id, width - indent.length), width - indent.length);
  const duration = task.durationMs === undefined ? '' : formatDuration(task.durationMs);
  const mark = styleText(colour, sign, { stream: process.stdout });
  const attempts = task.attempts > 1 ? `${task.attempts} attempts  ` : '';
  return `  ${indent}${mark} ${id}  ${duration.padStart(7)}  ${attempts}${detail(task)}`.trimEnd();
}

function detail(task: TaskResult): string {
  const { error, replacedInRound } = task;
  const text = error === undefined ? explainNotRun(task) : failureOf(error);
  const madeUpFor =
    replacedInRound === undefined ? '' : ` (made up for in round ${replacedInRound})`;
  return onOneLine(text, 200) + madeUpFor;
}

/** The outputs that no completed task has used: of a plan that completed, those of its last tasks. */
function finalOutputs({ tasks, timeline }: ShownRun): string[] {
  const [first] = timeline;
  if (first?.type !== 'plan_started') return [];
  const state = new RunState(new Graph(first.plan.tasks));
  for (const event of timeline) state.apply(event);
  const used = new Set<number>();
  for (const [index, task] of tasks.entries()) {
    if (task.status === 'completed')
      state.graph.eachDependency(index, (dependency) => used.add(dependency));
  }
  // What belongs to another task is in the output of that one.
  const final = tasks.filter(
    ({ status, parentId }, index) =>
      status === 'completed' && parentId === undefined && !used.has(index),
  );
  const parts = final.slice(0, MAX_ROWS).map(({ id, output }) => {
    const title = styleText('bold', onOneLine(id), { stream: process.stdout });
    return `${title}\n${forTerminal(asText(output))}`;
  });
  if (final.length > MAX_ROWS)
    parts.push(`… and ${final.length - MAX_ROWS} more outputs; --json has all`);
  return parts;
}

function asText(output: unknown): string {
  return typeof output === 'string'
    ? output
    : (JSON.stringify(output, undefined, 2) ?? '(nothing)');
}

/** Nothing of a run that brought nothing. */
function figures(metrics: Metrics): string[] {
  const { speedup, parallelEfficiency, peakConcurrency, usage, costUsd } = metrics;
  if (metrics.completedTasks === 0 && usage.inputTokens + usage.outputTokens === 0) return [];
  const parts = [
    `speed-up ${speedup.toFixed(1)} over one at a time`,
    `at most ${peakConcurrency} at once`,
    `efficiency ${Math.round(parallelEfficiency * 100)} %`,
  ];
  if (usage.inputTokens + usage.outputTokens > 0) {
    parts.push(`tokens ${usage.inputTokens} in, ${usage.outputTokens} out`);
    parts.push(`cost ${costText(costUsd)}`);
  }
  return [styleText('dim', parts.join(' · '), { stream: process.stdout })];
}
