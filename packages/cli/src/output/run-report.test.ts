import { stripVTControlCharacters } from 'node:util';
import type { PlanResult } from '@stratagem/core';
import { simulate } from '@stratagem/core/simulate';
import { parallel } from '@stratagem/parallel';
import { describe, expect, test } from 'vitest';
import { runPlan } from '../../test/run-plan.js';
import { runReport } from './run-report.js';

/** The report without colours, and with all measured durations and ratios replaced. */
function shown(result: PlanResult): string {
  return stripVTControlCharacters(runReport(result))
    .replace(/\d+\.\d s/g, '0.0 s')
    .replace(/\d+\.\d× (faster than|the speed of) sequential/, 'as fast as sequential')
    .replace(/efficiency \d+%/g, 'efficiency 100%');
}

describe('the report', () => {
  test('of a completed plan shows each task, the final outputs in full and the metrics', async () => {
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
(no output)

as fast as sequential · peak parallelism 1 · parallel efficiency 100% · tokens: 4 in, 2 out · cost: unknown
`);
  });

  test('of a failed plan shows what failed, what was skipped, and the outputs', async () => {
    const result = await runPlan([
      { id: 'a', description: 'x' },
      { id: 'b', description: 'fail as', dependencies: ['a'] },
      { id: 'c', description: 'x', dependencies: ['b'] },
    ]);
    expect(shown(result)).toBe(`Test
failed: 1 of 3 tasks completed in 0.0 s, sequential
The run failed. Task "b" failed: fail as it did

  ✓ a    0.0 s
  ✗ b    0.0 s  fail as it did
  – c           skipped: task "b" failed

a
output of a

as fast as sequential · peak parallelism 1 · parallel efficiency 100% · tokens: 2 in, 1 out · cost: unknown
`);
  });

  test('shows the date of the price list beside the cost', async () => {
    const result = await runPlan([{ id: 'a', description: 'x' }]);
    const metrics = { ...result.metrics, costUsd: 0.0123 };
    expect(stripVTControlCharacters(runReport({ ...result, metrics }, '2026-10-06'))).toContain(
      'cost: $0.0123 (prices of 2026-10-06)',
    );
  });

  test('names the tasks that replanning replaced', async () => {
    const result = await runPlan([{ id: 'a', description: 'fail as' }], {
      replan: { revise: () => [{ id: 'b', description: 'x' }] },
    });
    expect(shown(result)).toContain(`Test
completed: 1 of 2 tasks completed in 0.0 s, sequential
replanned in 1 round

  ✗ a    0.0 s  fail as it did (replaced in replanning round 1)
  ✓ b    0.0 s
`);
  });

  test('has no metrics for a run without completed tasks', async () => {
    expect(shown(await runPlan([{ id: 'a', description: 'fail as' }]))).toBe(`Test
failed: 0 of 1 tasks completed in 0.0 s, sequential
The run failed. Task "a" failed: fail as it did

  ✗ a    0.0 s  fail as it did
`);
  });

  test.each([
    [7.71, '7.7× faster than sequential'],
    [1.04, 'as fast as sequential'],
    [0.97, 'as fast as sequential'],
    [0.71, '0.7× the speed of sequential'],
  ])('shows a speedup of %d as %s', async (speedup, text) => {
    const result = await runPlan([{ id: 'a', description: 'x' }]);
    const { metrics } = result;
    const reported = stripVTControlCharacters(
      runReport({ ...result, metrics: { ...metrics, speedup } }),
    );
    expect(reported).toContain(`\n${text} · peak parallelism 1 · `);
  });

  test('blames neither a chain nor the time of a human', () => {
    const tasks = [
      { id: 'a', description: 'x' },
      { id: 'ok', description: 'Ok?', waitFor: 'approval', dependencies: ['a'] },
      { id: 'b', description: 'x', dependencies: ['ok'] },
    ] as const;
    const result = simulate(
      { goal: 'x', tasks },
      {
        strategy: parallel(),
        attempt: () => ({ durationMs: 1_000 }),
        answer: () => ({ afterMs: 5_000, answer: true }),
      },
    );
    expect(stripVTControlCharacters(runReport(result))).toContain(
      'as fast as sequential · peak parallelism 1 · parallel efficiency 100%',
    );
  });

  test('counts rows that would hide the interesting ones', async () => {
    const tasks = Array.from({ length: 120 }, (_, index) => ({
      id: `t${index}`,
      description: index === 110 ? 'fail as' : 'x',
    }));
    const text = shown(await runPlan(tasks));
    expect(text.match(/✓ t\d+/g)).toHaveLength(50);
    expect(text).toContain('✗ t110');
    expect(text).toContain('  … and 69 more completed\n');
    expect(text).toContain('… and 69 more outputs (use --json to see all)\n');
  });

  test('makes escape sequences in goals, outputs and errors visible', async () => {
    const sequence = '\u001b[2J\u009b31m';
    const text = runReport(
      await runPlan(
        [
          { id: 'a', run: () => sequence },
          { id: 'b', description: `fail ${sequence}` },
          { id: 'c', description: 'x', dependencies: ['b'] },
        ],
        { goal: sequence },
      ),
    );
    expect(text).not.toContain('\u001b[2J');
    expect(text).not.toContain('\u009b');
    expect(text).toContain('␛[2J␡31m');
  });
});
