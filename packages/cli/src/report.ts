import { styleText } from 'node:util';
import { Graph, type Metrics, type PlanResult, type TaskResult } from '@stratagem/core';
import stringWidth from 'string-width';
import { formatDuration } from './duration.js';
import { explainNotRun } from './not-run.js';
import { failureOf } from './task-error.js';
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
export function report(result: PlanResult): string {
  return [
    heading(result),
    taskTable(result.tasks),
    ...finalOutputs(result),
    ...figures(result.metrics),
  ]
    .join('\n\n')
    .concat('\n');
}

function heading({ goal, status, error, metrics, strategy }: PlanResult): string {
  const colour = status === 'completed' ? 'green' : status === 'failed' ? 'red' : 'yellow';
  const { completedTasks, totalTasks, executionTimeMs } = metrics;
  const line = `${completedTasks} of ${totalTasks} tasks completed in ${formatDuration(executionTimeMs)}, ${strategy}`;
  const lines = [
    styleText('bold', onOneLine(goal, 200), { stream: process.stdout }),
    `${styleText(colour, status, { stream: process.stdout })}: ${line}`,
  ];
  if (error !== undefined) lines.push(forTerminal(error.message));
  return lines.join('\n');
}

function taskTable(tasks: readonly TaskResult[]): string {
  const width = Math.min(
    40,
    Math.max(...tasks.slice(0, 500).map(({ id }) => stringWidth(onOneLine(id, 40)))),
  );
  const shown = new Map<string, number>();
  const rows: string[] = [];
  for (const task of tasks) {
    const count = (shown.get(task.status) ?? 0) + 1;
    shown.set(task.status, count);
    if (count <= MAX_ROWS) rows.push(row(task, width));
  }
  for (const [status, count] of shown) {
    if (count > MAX_ROWS) rows.push(`  … and ${count - MAX_ROWS} more ${status}`);
  }
  return rows.join('\n');
}

function row(task: TaskResult, width: number): string {
  const [colour, sign] = SIGNS[task.status];
  const id = padTo(onOneLine(task.id, width), width);
  const duration = task.durationMs === undefined ? '' : formatDuration(task.durationMs);
  const mark = styleText(colour, sign, { stream: process.stdout });
  return `  ${mark} ${id}  ${duration.padStart(7)}  ${detail(task)}`.trimEnd();
}

function detail(task: TaskResult): string {
  const text = task.error === undefined ? explainNotRun(task) : failureOf(task.error);
  return onOneLine(text, 200);
}

/** The outputs that no completed task has used: of a plan that completed, those of its last tasks. */
function finalOutputs({ tasks, timeline }: PlanResult): string[] {
  const [first] = timeline;
  if (first?.type !== 'plan_started') return [];
  const graph = new Graph(first.plan.tasks);
  const used = new Set<number>();
  for (const [index, task] of tasks.entries()) {
    if (task.status === 'completed')
      graph.eachDependency(index, (dependency) => used.add(dependency));
  }
  const final = tasks.filter((task, index) => task.status === 'completed' && !used.has(index));
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
    const cost = costUsd === null ? 'unknown' : `$${costUsd.toFixed(4)}`;
    parts.push(`tokens ${usage.inputTokens} in, ${usage.outputTokens} out`, `cost ${cost}`);
  }
  return [styleText('dim', parts.join(' · '), { stream: process.stdout })];
}
