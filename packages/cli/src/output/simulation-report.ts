import { styleText } from 'node:util';
import { Graph, type Plan } from '@stratagem/core';
import type { WhatIfRow } from '@stratagem/simulation';
import { formatDuration } from '../options/parse-duration.js';
import { onOneLine } from './terminal-text.js';

/** What `stratagem simulate --json` prints. */
export interface SimulationDocument {
  readonly goal: string;
  readonly strategy: string;
  readonly server: string;
  readonly seed: number;
  readonly assumptions: readonly string[];
  readonly rows: readonly WhatIfRow[];
}

const HEAD = ['max parallel', 'takes', 'requests', 'refused', 'overloaded', 'at most at once'];

/** How a plan would fare under each cap, for people. */
export function simulationReport(document: SimulationDocument, { tasks }: Plan): string {
  const { goal, strategy, server, assumptions, rows } = document;
  const { size } = new Graph(tasks);
  const what = `${size === 1 ? '1 task' : `${size} tasks`}, ${strategy}, ${server}`;
  const lines = [
    `${styleText('bold', onOneLine(goal), { stream: process.stdout })}: ${what}`,
    '',
    ...table([HEAD, ...rows.map(row)]),
  ];
  const failed = rows.filter(({ status }) => status !== 'completed');
  if (failed.length > 0) {
    const caps = failed.map(({ maxParallel }) => maxParallel).join(', ');
    lines.push('', `With ${caps} the plan fails: its time ran out, or attempts were not repeated`);
    lines.push('often enough; --retries says how often they are.');
  }
  if (assumptions.length > 0) {
    const shown = assumptions.map((each) => `  ${each}`);
    lines.push('', 'Assumed:', ...shown);
  }
  return `${lines.join('\n')}\n`;
}

function row(figures: WhatIfRow): string[] {
  const { status, makespanMs, completedTasks, requests, rateLimited, overloaded } = figures;
  const takes = formatDuration(makespanMs);
  return [
    `${figures.maxParallel}`,
    status === 'completed' ? takes : `fails, ${completedTasks} done`,
    ...[requests, rateLimited, overloaded, figures.peakConcurrency].map(String),
  ];
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = HEAD.map((_, column) =>
    Math.max(...rows.map((cells) => (cells[column] as string).length)),
  );
  return rows.map(
    (cells) =>
      `  ${cells.map((cell, column) => cell.padStart(widths[column] as number)).join('  ')}`,
  );
}
