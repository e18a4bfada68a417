import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { runPlan } from '../../test/run-plan.js';
import { taskTable } from './task-table.js';

async function shown(...args: Parameters<typeof runPlan>): Promise<string> {
  const { tasks } = await runPlan(...args);
  // However many digits a duration has, it ends in the same column.
  return stripVTControlCharacters(taskTable(tasks, process.stderr)).replace(/ *\d+ ms/g, (text) =>
    '0 ms'.padStart(text.length),
  );
}

test('shows each task, its duration, and why it has no output', async () => {
  const text = await shown([
    { id: 'a', description: 'x' },
    { id: '市場', description: 'fail as', dependencies: ['a'] },
    { id: 'c', description: 'x', dependencies: ['市場'] },
  ]);
  expect(text).toBe(`  ✓ a        0 ms
  ✗ 市場     0 ms  fail as it did
  – c              skipped: task "市場" failed
`);
});

test('names the tasks that replanning replaced', async () => {
  const text = await shown([{ id: 'a', description: 'fail as' }], {
    replan: { revise: () => [{ id: 'b', description: 'x' }] },
  });
  expect(text).toContain('fail as it did (replaced in replanning round 1)');
});

test('counts rows that would hide the interesting ones', async () => {
  const tasks = Array.from({ length: 120 }, (_, index) => ({
    id: `t${index}`,
    description: index === 110 ? 'fail as' : 'x',
  }));
  const text = await shown(tasks);
  expect(text.match(/✓ t\d+/g)).toHaveLength(50);
  expect(text).toContain('✗ t110');
  expect(text).toContain('  … and 69 more completed\n');
});
