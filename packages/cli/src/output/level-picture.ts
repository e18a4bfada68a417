import type { Graph } from '@stratagem/core/kernel';
import type { Canvas } from './canvas.js';
import { taskNotes } from './task-notes.js';
import { onOneLine, padTo, widthOf } from './terminal-text.js';

/** A task in a picture of levels. */
export interface LevelRow {
  readonly index: number;
  /** The level; left out for the second and further tasks of one, and for tasks in a group. */
  readonly level?: number;
  /** How deep it is in groups; 0 for a task of the plan itself. */
  readonly depth: number;
}

/** The tasks in the order of their levels; those of a group follow it. */
export function levelRows(graph: Graph): LevelRow[] {
  const roots = graph.tasks.flatMap((_, index) =>
    graph.parentOf(index) === undefined ? index : [],
  );
  const rows: LevelRow[] = [];
  const addChildren = (parent: number, depth: number) =>
    graph.eachChild(parent, (index) => {
      rows.push({ index, depth });
      addChildren(index, depth + 1);
    });
  let level = -1;
  for (const index of roots.sort((a, b) => graph.levelOf(a) - graph.levelOf(b) || a - b)) {
    const own = graph.levelOf(index);
    rows.push({ index, depth: 0, ...(own !== level && { level: own }) });
    level = own;
    addChildren(index, 1);
  }
  return rows;
}

/** The number of levels, and the most tasks in one of them. */
export function levelCounts(graph: Graph): { readonly levels: number; readonly widest: number } {
  const counts: number[] = [];
  for (const [index] of graph.tasks.entries()) {
    if (graph.childCount(index) > 0) continue;
    const level = graph.levelOf(index);
    counts[level] = (counts[level] ?? 0) + 1;
  }
  return {
    levels: counts.length,
    widest: counts.reduce((most, count) => Math.max(most, count ?? 0), 0),
  };
}

const MAX_ID_WIDTH = 30;

/**
 * A plan level by level, in at most so many lines: each task with what it waits for.
 *
 * @example
 *  1  research   for each inputs.questions
 *  2  draft      ← research
 *  3  gaps       ← draft
 *     errors     ← draft
 */
export function levelPicture(graph: Graph, { style, width }: Canvas, maxLines: number): string[] {
  const rows = levelRows(graph);
  const shown = rows.length > maxLines ? rows.slice(0, Math.max(1, maxLines - 1)) : rows;
  const labels = shown.map(({ index, depth }) => {
    const indent = '  '.repeat(Math.min(depth, 5));
    return `${indent}${onOneLine(graph.taskOf(index).id, MAX_ID_WIDTH - indent.length)}`;
  });
  const digits = `${rows.reduce((most, { level = 0 }) => Math.max(most, level + 1), 1)}`.length;
  const labelWidth = Math.max(...labels.map(widthOf), 1);
  const room = Math.max(1, width - digits - labelWidth - 6);
  const lines = shown.map(({ index, level }, position) => {
    const number = level === undefined ? '' : `${level + 1}`;
    const label = labels[position] as string;
    const about = onOneLine(aboutTask(graph, index), room);
    const name = about === '' ? label : padTo(label, labelWidth);
    return ` ${style('dim', number.padStart(digits))}  ${name}${about === '' ? '' : `  ${style('dim', about)}`}`;
  });
  const left = rows.length - shown.length;
  return left === 0 ? lines : [...lines, ` ${' '.repeat(digits)}  … and ${left} more`];
}

/** `← draft, gaps · waits for an approval` */
function aboutTask(graph: Graph, index: number): string {
  const task = graph.taskOf(index);
  const ids: string[] = [];
  graph.eachDependency(index, (dependency) => ids.push(graph.taskOf(dependency).id));
  const model = task.model === undefined ? [] : [`model ${task.model}`];
  return [...(ids.length === 0 ? [] : [`← ${ids.join(', ')}`]), ...taskNotes(task), ...model].join(
    ' · ',
  );
}
