import type { Task } from '@stratagem/core';
import { graphOf } from '@stratagem/core/kernel';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { levelCounts, levelPicture, levelRows, levelsOf } from './level-picture.js';
import { widthOf } from './terminal-text.js';

const plain = { width: 79, style: (_: unknown, text: string) => text };
const graphFor = (tasks: Task[]) => graphOf({ goal: 'Goal', tasks });
const task = (id: string, ...dependencies: string[]) => ({ id, description: id, dependencies });

test('shows each task in its level, with what it waits for', () => {
  const graph = graphFor([
    task('draft', 'research'),
    { ...task('research', 'list'), forEach: 'list', model: 'fast' },
    task('list'),
    { ...task('gaps', 'draft'), runAfter: 'settled' },
    task('errors', 'draft'),
    {
      id: 'group',
      subtasks: [task('a'), task('b', 'a')],
      dependencies: ['gaps', 'errors'],
    } as never,
    { ...task('ok', 'group'), waitFor: 'approval' },
  ]);
  expect(levelPicture(graph, plain, 20)).toEqual([
    ' 1  list',
    ' 2  research  ← list · for each list · model fast',
    ' 3  draft     ← research',
    ' 4  gaps      ← draft · also after failures',
    '    errors    ← draft',
    ' 5  group     ← gaps, errors',
    '      a',
    '      b       ← a',
    ' 6  ok        ← group · waits for an approval',
  ]);
});

test('a picture of any plan has each task once, within its height and width', () => {
  const plans = fc.array(fc.array(fc.nat(40), { maxLength: 3 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(
      plans,
      fc.integer({ min: 2, max: 60 }),
      fc.integer({ min: 20, max: 100 }),
      (edges, height, width) => {
        const graph = graphFor(
          edges.map((list, position) => {
            const before = [...new Set(list)].filter((each) => each < position);
            return task(`task ${position}`, ...before.map((each) => `task ${each}`));
          }),
        );
        const rows = levelRows(levelsOf(graph));
        expect(rows.map(({ index }) => index).sort((a, b) => a - b)).toEqual(
          edges.map((_, index) => index),
        );
        const lines = levelPicture(graph, { ...plain, width }, height);
        expect(lines.length).toBe(Math.min(height, edges.length));
        for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(Math.max(width, 24));
        const { levels, widest } = levelCounts(levelsOf(graph));
        expect(rows.filter(({ level }) => level !== undefined)).toHaveLength(levels);
        expect(widest * levels).toBeGreaterThanOrEqual(edges.length);
      },
    ),
  );
});
