import type { Plan, Strategy } from '@stratagem/core';
import { simulate } from '@stratagem/core/simulate';
import { parallel } from '@stratagem/parallel';
import { type Dag, randomLayeredDag } from './util/dag.js';
import { mean, quantile } from './util/statistics.js';
import { printTable } from './util/table.js';

/**
 * The makespan of each strategy relative to the lower bound, the longer of the critical path and the
 * work divided by `maxParallel`. Random layered graphs, lognormal durations, virtual time.
 */
const SEEDS = 200;
const CAPS = [4, 8, 16];

function planOf({ dependencies }: Dag, durationsMs: readonly number[], estimated: boolean): Plan {
  return {
    goal: 'makespan',
    tasks: dependencies.map((mine, index) => ({
      id: `${index}`,
      description: 'x',
      dependencies: mine.map(String),
      ...(estimated && { estimate: { durationMs: durationsMs[index] as number } }),
    })),
  };
}

const strategies: [name: string, estimated: boolean, create: (maxParallel: number) => Strategy][] =
  [
    ['no barrier, with estimates', true, (maxParallel) => parallel({ maxParallel })],
    ['no barrier, without estimates', false, (maxParallel) => parallel({ maxParallel })],
    ['level barrier', true, (maxParallel) => parallel({ maxParallel, levelBarrier: true })],
  ];

const rows = [['makespan over the lower bound', 'mean', '95 %', 'worst']];
for (const [name, estimated, create] of strategies) {
  const ratios: number[] = [];
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { dag, durationsMs } = randomLayeredDag(seed);
    for (const maxParallel of CAPS) {
      const { metrics } = simulate(planOf(dag, durationsMs, estimated), {
        strategy: create(maxParallel),
        attempt: ({ id }) => ({ durationMs: durationsMs[Number(id)] as number }),
      });
      const bound = Math.max(metrics.criticalPathMs, metrics.totalWorkMs / maxParallel);
      ratios.push(metrics.executionTimeMs / bound);
    }
  }
  rows.push([
    name,
    mean(ratios).toFixed(3),
    quantile(ratios, 0.95).toFixed(3),
    Math.max(...ratios).toFixed(3),
  ]);
}
printTable(`${SEEDS} layered graphs, maxParallel ${CAPS.join(', ')}, virtual time`, rows);
