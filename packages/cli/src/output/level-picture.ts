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

/** Tasks with their levels and groups. */
export interface Levels {
  readonly size: number;
  levelOf(index: number): number;
  parentOf(index: number): number | undefined;
}

/** The tasks in the order of their levels; those of a group follow it. */
export function levelRows({ size, levelOf, parentOf }: Levels): LevelRow[] {
  const children = new Map<number | undefined, number[]>();
  for (let index = 0; index < size; index++) {
    const siblings = children.get(parentOf(index));
    if (siblings === undefined) children.set(parentOf(index), [index]);
    else siblings.push(index);
  }
  const rows: LevelRow[] = [];
  const addChildren = (parent: number, depth: number) => {
    for (const index of children.get(parent) ?? []) {
      rows.push({ index, depth });
      addChildren(index, depth + 1);
    }
  };
  let level = -1;
  const roots = children.get(undefined) ?? [];
  for (const index of roots.toSorted((a, b) => levelOf(a) - levelOf(b) || a - b)) {
    rows.push({ index, depth: 0, ...(levelOf(index) !== level && { level: levelOf(index) }) });
    level = levelOf(index);
    addChildren(index, 1);
  }
  return rows;
}

/** The number of levels, and the most tasks in one of them; groups are no work of their own. */
export function levelCounts({ size, levelOf, parentOf }: Levels): {
  readonly levels: number;
  readonly widest: number;
} {
  const groups = new Set(Array.from({ length: size }, (_, index) => parentOf(index)));
  const counts = new Map<number, number>();
  for (let index = 0; index < size; index++) {
    if (groups.has(index)) continue;
    counts.set(levelOf(index), (counts.get(levelOf(index)) ?? 0) + 1);
  }
  return { levels: counts.size, widest: Math.max(0, ...counts.values()) };
}

export function levelsOf(graph: Graph): Levels {
  return {
    size: graph.size,
    levelOf: (index) => graph.levelOf(index),
    parentOf: (index) => graph.parentOf(index),
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
  const rows = levelRows(levelsOf(graph));
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
