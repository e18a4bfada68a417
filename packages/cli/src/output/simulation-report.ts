import { styleText } from 'node:util';
import type { Plan } from '@stratagem/core';
import { Graph } from '@stratagem/core/kernel';
import type { Range, WhatIfRow } from '@stratagem/simulation';
import { formatCost } from './format-amounts.js';
import { formatDuration } from './format-duration.js';
import { plural } from './plural.js';
import { onOneLine } from './terminal-text.js';

/** The document of `stratagem simulate --json`. */
export interface SimulationDocument {
  readonly goal: string;
  readonly strategy: string;
  readonly server: string;
  readonly seed: number;
  readonly assumptions: readonly string[];
  readonly rows: readonly WhatIfRow[];
}

const HEADINGS = [
  'max parallel',
  'duration',
  'requests',
  'rate-limited',
  'overloaded',
  'peak parallelism',
];
const COST = 'cost';

/** Formats the simulation of a plan: one row for each concurrency limit. */
export function simulationReport(document: SimulationDocument, { tasks }: Plan): string {
  const { goal, strategy, server, assumptions, rows } = document;
  const { size } = new Graph(tasks);
  // Without a price, only a plan without tokens has a cost.
  const hasCosts = rows.some(({ costUsd }) => costUsd !== null && costUsd > 0);
  const setup = `${plural(size, 'task')}, ${strategy}, ${server}`;
  const lines = [
    `${styleText('bold', onOneLine(goal), { stream: process.stdout })}: ${setup}`,
    '',
    ...table([HEADINGS.concat(hasCosts ? COST : []), ...rows.map((each) => row(each, hasCosts))]),
  ];
  const failed = rows.filter(({ status }) => status !== 'completed');
  if (failed.length > 0) {
    const limits = failed.map(({ maxParallel }) => maxParallel).join(', ');
    lines.push('', `With max parallel ${limits}, the plan fails: it runs out of time or retries.`);
    lines.push('Use --retries to set the number of retries.');
  }
  for (const { status, failedRuns = 0, maxParallel } of rows) {
    if (status !== 'completed' || failedRuns === 0) continue;
    const count = plural(failedRuns, 'simulation');
    const those = failedRuns === 1 ? 'that one' : 'those';
    lines.push(
      '',
      `With max parallel ${maxParallel}, the plan fails in ${count}; the figures leave out ${those}.`,
    );
  }
  if (assumptions.length > 0) {
    const shown = assumptions.map((each) => `  ${each}`);
    lines.push('', 'Assumptions:', ...shown);
  }
  return `${lines.join('\n')}\n`;
}

function row(result: WhatIfRow, hasCosts: boolean): string[] {
  const { status, makespanMs, completedTasks, requests, rateLimited, overloaded } = result;
  return [
    `${result.maxParallel}`,
    status === 'completed'
      ? formatDuration(makespanMs) + rangeText(result.makespanRangeMs, formatDuration)
      : `fails after ${plural(completedTasks, 'task')}`,
    ...[requests, rateLimited, overloaded, result.peakConcurrency].map(String),
    ...(hasCosts ? [costText(result)] : []),
  ];
}

/** The median run by duration need not be the one by cost. */
function costText({ costUsd, costRangeUsd }: WhatIfRow): string {
  return formatCost(costRangeUsd?.median ?? costUsd) + rangeText(costRangeUsd, formatCost);
}

/** ` (10 s – 15 s)`; empty without a range. */
function rangeText(range: Range | undefined, format: (value: number) => string): string {
  return range === undefined ? '' : ` (${format(range.low)} – ${format(range.high)})`;
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] as readonly string[]).map((_, column) =>
    Math.max(...rows.map((cells) => (cells[column] as string).length)),
  );
  return rows.map(
    (cells) =>
      `  ${cells.map((cell, column) => cell.padStart(widths[column] as number)).join('  ')}`,
  );
}
