import type { WhatIfRow } from '@stratagem/simulation';
import { expect, test } from 'vitest';
import { simulationReport } from './simulation-report.js';

const row: WhatIfRow = {
  ...{ maxParallel: 4, status: 'completed', makespanMs: 2_000, completedTasks: 1, requests: 3 },
  ...{ rateLimited: 0, overloaded: 2, wastedShare: 2, peakConcurrency: 1, averageLatencyMs: 500 },
  ...{ p95LatencyMs: 900, throughputPerSecond: 1, costUsd: 5 },
};

function reportOf(more: Partial<WhatIfRow>): string {
  const plan = { goal: 'Forecast', tasks: [{ id: 'a', description: 'x' }] };
  const document = { goal: plan.goal, strategy: 'parallel', server: 'as recorded', seed: 0 };
  return simulationReport({ ...document, assumptions: [], rows: [{ ...row, ...more }] }, plan);
}

test('the cost is the median of all simulations, not that of the one with the median duration', () => {
  const costRangeUsd = { low: 2, median: 3, high: 6 };
  expect(reportOf({ costRangeUsd })).toContain('$3.00 ($2.00 – $6.00)');
  expect(reportOf({})).toContain('$5.00');
});

test('simulations that fail are counted', () => {
  expect(reportOf({ failedRuns: 0 })).not.toContain('fails');
  expect(reportOf({ failedRuns: 1 })).toContain(
    'With max parallel 4, the plan fails in 1 simulation; the figures leave out that one.',
  );
  expect(reportOf({ failedRuns: 29 })).toContain('in 29 simulations; the figures leave out those.');
});
