import { stripVTControlCharacters } from 'node:util';
import type { Plan, Task } from '@stratagem/core';
import { expect, test } from 'vitest';
import { planOutline } from './plan-outline.js';

const outline = (...tasks: Task[]) => {
  const plan: Plan = { goal: 'x', tasks };
  return stripVTControlCharacters(planOutline(plan, process.stderr));
};

test('each task is shown with its prompt, dependencies and tools', () => {
  const tasks: Task[] = [
    { id: 'gather', description: 'Gather\nit all', tools: ['search', 'fetch'] },
    {
      id: 'parts',
      dependencies: ['gather'],
      subtasks: [{ id: 'one', description: 'Do one' }],
    },
    { id: 'end', description: 'Put it together', dependencies: ['gather', 'parts'] },
  ];
  expect(outline(...tasks)).toBe(`The plan has 4 tasks.

  gather  uses search, fetch
    Gather it all
  parts  depends on gather
    one
      Do one
  end  depends on gather, parts
    Put it together

`);
  expect(outline({ id: 'a', description: 'x' })).toContain('The plan has 1 task.\n');
});

test('tasks that run after failures say so', () => {
  const shown = outline(
    { id: 'a', description: 'x' },
    { id: 'clean', description: 'x', dependencies: ['a'], runAfter: 'settled' },
    { id: 'alarm', description: 'x', dependencies: ['a'], runAfter: 'failure' },
  );
  expect(shown).toContain('clean  depends on a; runs also after failures\n');
  expect(shown).toContain('alarm  depends on a; runs only after a failure\n');
});

test('text of a model can neither control nor flood the terminal', () => {
  const shown = outline({
    id: 'a\u001b[2J',
    description: `x\u001b]0;title\u0007${'y'.repeat(9_000)}`,
  });
  expect(shown).toContain('a␛[2J');
  expect(shown).not.toContain('\u001b');
  expect(shown.length).toBeLessThan(600);
  const many = Array.from({ length: 150 }, (_, n) => ({ id: `t${n}`, description: 'x' }));
  expect(outline(...many)).toContain('t99\n    x\n  … and 50 more\n');
});
