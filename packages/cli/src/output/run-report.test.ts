import { stripVTControlCharacters } from 'node:util';
import type { PlanResult } from '@stratagem/core';
import { describe, expect, test } from 'vitest';
import { runPlan } from '../../test/run-plan.js';
import { report } from './run-report.js';

/** Without colours, and with every measured duration and ratio the same. */
function shown(result: PlanResult): string {
  return stripVTControlCharacters(report(result))
    .replace(/\d+\.\d s/g, '0.0 s')
    .replace(/speed-up \d+\.\d/g, 'speed-up 1.0')
    .replace(/efficiency \d+ %/g, 'efficiency 100 %');
}

describe('the report', () => {
  test('of a completed plan shows each task, the final outputs in full and the figures', async () => {
    const long = 'A line.\n'.repeat(100);
    const result = await runPlan(
      [
        { id: 'research', description: 'x' },
        { id: '市場', description: 'x', dependencies: ['research'] },
        { id: 'report', run: () => long, dependencies: ['research'] },
        { id: 'data', run: () => ({ found: [1, 2] }) },
        { id: 'nothing', run: () => undefined },
      ],
      { goal: 'Market\nreport' },
    );
    expect(shown(result)).toBe(`Market report
completed: 5 of 5 tasks completed in 0.0 s, sequential

  ✓ research    0.0 s
  ✓ 市場        0.0 s
  ✓ report      0.0 s
  ✓ data        0.0 s
  ✓ nothing     0.0 s

市場
output of 市場

report
${long}

data
{
  "found": [
    1,
    2
  ]
}

nothing
(nothing)

speed-up 1.0 over one at a time · at most 1 at once · efficiency 100 % · tokens 4 in, 2 out · cost unknown
`);
  });

  test('of a failed plan says what failed, what that stopped, and what there is', async () => {
    const result = await runPlan([
      { id: 'a', description: 'x' },
      { id: 'b', description: 'fail as', dependencies: ['a'] },
      { id: 'c', description: 'x', dependencies: ['b'] },
    ]);
    expect(shown(result)).toBe(`Test
failed: 1 of 3 tasks completed in 0.0 s, sequential
The plan failed. Task "b" failed: fail as it did

  ✓ a    0.0 s
  ✗ b    0.0 s  fail as it did
  – c           skipped: task "b" failed

a
output of a

speed-up 1.0 over one at a time · at most 1 at once · efficiency 100 % · tokens 2 in, 1 out · cost unknown
`);
  });

  test('says what re-planning made up for', async () => {
    const result = await runPlan([{ id: 'a', description: 'fail as' }], {
      replan: { revise: () => [{ id: 'b', description: 'x' }] },
    });
    expect(shown(result)).toContain(`Test
completed: 1 of 2 tasks completed in 0.0 s, sequential
re-planned in 1 round

  ✗ a    0.0 s  fail as it did (made up for in round 1)
  ✓ b    0.0 s
`);
  });

  test('has no figures of a run that brought nothing', async () => {
    expect(shown(await runPlan([{ id: 'a', description: 'fail as' }]))).toBe(`Test
failed: 0 of 1 tasks completed in 0.0 s, sequential
The plan failed. Task "a" failed: fail as it did

  ✗ a    0.0 s  fail as it did
`);
  });

  test('counts what would scroll the interesting rows away', async () => {
    const tasks = Array.from({ length: 120 }, (_, index) => ({
      id: `t${index}`,
      description: index === 110 ? 'fail as' : 'x',
    }));
    const text = shown(await runPlan(tasks));
    expect(text.match(/✓ t\d+/g)).toHaveLength(50);
    expect(text).toContain('✗ t110');
    expect(text).toContain('  … and 69 more completed\n');
    expect(text).toContain('… and 69 more outputs; --json has all\n');
  });

  test('shows escape sequences of ids, outputs and errors instead of obeying them', async () => {
    const sequence = '\u001b[2J\u009b31m';
    const text = report(
      await runPlan(
        [
          { id: `a${sequence}`, run: () => sequence },
          { id: `b${sequence}`, description: `fail ${sequence}` },
          { id: 'c', description: 'x', dependencies: [`b${sequence}`] },
        ],
        { goal: sequence },
      ),
    );
    expect(text).not.toContain('\u001b[2J');
    expect(text).not.toContain('\u009b');
    expect(text).toContain('␛[2J␡31m');
  });
});
