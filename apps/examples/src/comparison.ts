import {
  createExecutor,
  type Metrics,
  type Plan,
  type Strategy,
  type TaskRunner,
} from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { sequential } from '@stratagem/sequential';
import { chooseRunner } from './choose-runner.js';
import { seconds, title } from './print.js';
import { runIfMain } from './run-if-main.js';

const TOPICS = ['solar', 'wind', 'tidal', 'nuclear', 'geothermal', 'hydrogen', 'coal', 'gas'];

const plan: Plan = {
  goal: 'Compare energy sources',
  tasks: TOPICS.map((topic) => ({
    id: topic,
    description: `Name the main cost of ${topic} power.`,
  })),
};

/** Runs the same eight tasks under two strategies, one after the other. */
export async function run(runner: TaskRunner): Promise<Record<'sequential' | 'parallel', Metrics>> {
  const measure = async (strategy: Strategy) => {
    const result = await createExecutor({ strategy, runner }).execute(plan);
    if (result.status !== 'completed') throw result.error;
    return result.metrics;
  };
  return {
    sequential: await measure(sequential()),
    parallel: await measure(parallel({ maxParallel: 4 })),
  };
}

export async function main(runner: TaskRunner): Promise<void> {
  title('Comparison: eight tasks, sequential and parallel (maxParallel: 4)');
  const measured = await run(runner);
  console.log('                sequential    parallel');
  const row = (name: string, show: (metrics: Metrics) => string) => {
    const [one, other] = [show(measured.sequential), show(measured.parallel)];
    console.log(`  ${name.padEnd(14)}${one.padStart(10)}${other.padStart(12)}`);
  };
  row('Time', (metrics) => seconds(metrics.executionTimeMs));
  row('Tasks/s', (metrics) => metrics.throughputPerSecond.toFixed(1));
  row('At once', (metrics) => `${metrics.peakConcurrency}`);
  row('Efficiency', (metrics) => `${(metrics.parallelEfficiency * 100).toFixed(0)} %`);
  const ratio = measured.sequential.executionTimeMs / measured.parallel.executionTimeMs;
  console.log(`\n  Parallel was ${ratio.toFixed(2)} times as fast.`);
}

await runIfMain(import.meta, async () => main(await chooseRunner()));
