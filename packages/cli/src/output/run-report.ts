import { styleText } from 'node:util';
import type { Metrics, TaskResult, Usage } from '@stratagem/core';
import { Graph, RunState } from '@stratagem/core/kernel';
import type { GoalResult } from '@stratagem/planner';
import stringWidth from 'string-width';
import type { DisplayableRun } from './displayable-run.js';
import { failureMessage } from './failure-message.js';
import { formatDuration } from './format-duration.js';
import { plural } from './plural.js';
import { explainMissingOutput } from './skip-reason.js';
import { forTerminal, onOneLine, padTo } from './terminal-text.js';

/** More rows of one status than this are counted instead of shown. */
const MAX_ROWS = 50;

const SYMBOLS = {
  completed: ['green', '✓'],
  failed: ['red', '✗'],
  skipped: ['yellow', '–'],
  canceled: ['yellow', '■'],
  pending: ['dim', '·'],
  running: ['dim', '·'],
} as const;

/**
 * Formats the result of a run: each task, the final outputs in full, and the metrics.
 *
 * @param pricesAsOf The date of the price list behind the cost.
 */
export function runReport(result: DisplayableRun, pricesAsOf?: string): string {
  return [
    heading(result),
    taskTable(result.tasks),
    ...finalOutputs(result),
    ...metricsLine(result.metrics, pricesAsOf),
  ]
    .join('\n\n')
    .concat('\n');
}

/** Formats the result of a goal, with the usage of planning; empty when nothing ran. */
export function goalReport(goal: GoalResult, pricesAsOf?: string): string {
  const { result, planning, usage, costUsd } = goal;
  if (result === undefined) return '';
  const metrics = planning.result?.metrics;
  if (metrics === undefined) return runReport(result, pricesAsOf);
  const parts = [
    `planning took ${formatDuration(metrics.executionTimeMs)}`,
    `planning tokens: ${tokenText(metrics.usage)}`,
    `total tokens: ${tokenText(usage)}`,
    `total cost: ${costText(costUsd, pricesAsOf)}`,
  ];
  const line = styleText('dim', parts.join(' · '), { stream: process.stdout });
  return `${runReport(result, pricesAsOf)}${line}\n`;
}

function speedText(speedup: number): string {
  const factor = speedup.toFixed(1);
  if (factor === '1.0') return 'as fast as sequential';
  return speedup > 1 ? `${factor}× faster than sequential` : `${factor}× the speed of sequential`;
}

function tokenText({ inputTokens, outputTokens }: Usage): string {
  return `${inputTokens} in, ${outputTokens} out`;
}

function costText(costUsd: number | null, pricesAsOf?: string): string {
  if (costUsd === null) return 'unknown';
  const amount = `$${costUsd.toFixed(4)}`;
  return pricesAsOf === undefined ? amount : `${amount} (prices of ${pricesAsOf})`;
}

function heading(result: DisplayableRun): string {
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
    lines.push(`replanned in ${plural(replanRounds, 'round')}`);
  }
  if (goalProgress !== undefined)
    lines.push(`goal progress: ${Math.round(goalProgress.progress * 100)}%`);
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

function row(task: TaskResult, width: number, depth: number): string {
  const [colour, symbol] = SYMBOLS[task.status];
  const indent = ' '.repeat(Math.min(2 * depth, width - 1));
  const id = padTo(onOneLine(task.id, width - indent.length), width - indent.length);
  const duration = task.durationMs === undefined ? '' : formatDuration(task.durationMs);
  const mark = styleText(colour, symbol, { stream: process.stdout });
  const attempts = task.attempts > 1 ? `${task.attempts} attempts  ` : '';
  return `  ${indent}${mark} ${id}  ${duration.padStart(7)}  ${attempts}${detail(task)}`.trimEnd();
}

function detail(task: TaskResult): string {
  const { error, replacedInRound } = task;
  const text = error === undefined ? explainMissingOutput(task) : failureMessage(error);
  const replaced =
    replacedInRound === undefined ? '' : ` (replaced in replanning round ${replacedInRound})`;
  return onOneLine(text, 200) + replaced;
}

/** The outputs that no completed task used: in a completed plan, those of its last tasks. */
function finalOutputs({ tasks, timeline }: DisplayableRun): string[] {
  const [first] = timeline;
  if (first?.type !== 'run_started') return [];
  const state = new RunState(new Graph(first.plan.tasks));
  for (const event of timeline) state.apply(event);
  const used = new Set<number>();
  for (const [index, task] of tasks.entries()) {
    if (task.status === 'completed')
      state.graph.eachDependency(index, (dependency) => used.add(dependency));
  }
  // The output of a subtask is part of its parent's output.
  const final = tasks.filter(
    ({ status, parentId }, index) =>
      status === 'completed' && parentId === undefined && !used.has(index),
  );
  const parts = final.slice(0, MAX_ROWS).map(({ id, output }) => {
    const title = styleText('bold', onOneLine(id), { stream: process.stdout });
    return `${title}\n${forTerminal(asText(output))}`;
  });
  if (final.length > MAX_ROWS)
    parts.push(`… and ${final.length - MAX_ROWS} more outputs (use --json to see all)`);
  return parts;
}

function asText(output: unknown): string {
  return typeof output === 'string'
    ? output
    : (JSON.stringify(output, undefined, 2) ?? '(no output)');
}

/** No metrics for a run that completed nothing and used no tokens. */
function metricsLine(metrics: Metrics, pricesAsOf: string | undefined): string[] {
  const { speedup, parallelEfficiency, peakConcurrency, usage, costUsd } = metrics;
  if (metrics.completedTasks === 0 && usage.inputTokens + usage.outputTokens === 0) return [];
  const parts = [
    speedText(speedup),
    `peak parallelism ${peakConcurrency}`,
    `parallel efficiency ${Math.round(parallelEfficiency * 100)}%`,
  ];
  if (usage.inputTokens + usage.outputTokens > 0) {
    parts.push(`tokens: ${tokenText(usage)}`, `cost: ${costText(costUsd, pricesAsOf)}`);
  }
  return [styleText('dim', parts.join(' · '), { stream: process.stdout })];
}
