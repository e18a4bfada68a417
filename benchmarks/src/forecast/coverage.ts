import type { PlanResult } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { recordedRun, type ServerModel, simulateOn, whatIf } from '@stratagem/simulation';
import { randomFrom } from '../util/random.js';
import { drawFrom, type Kind } from './kinds.js';

/** How often later runs were within the range that was forecast from one run. */
export interface Coverage {
  readonly name: string;
  readonly pairs: number;
  /** The shares of later runs whose time, and whose cost, was within its range. */
  readonly time: number;
  readonly cost: number;
  /** The share of later runs that took longer than the range: half of the misses would be fair. */
  readonly longer: number;
  /** The median width of the range of the time, relative to its median. */
  readonly width: number;
}

const retry = { maxAttempts: 1_000, initialDelayMs: 100 };
const strategy = parallel({ maxParallel: Number.POSITIVE_INFINITY });

/** Records a run, forecasts another one from it, and runs that one, on one server after another. */
export function coverageOf(kind: Kind, pairs: number, simulations = 30): Coverage {
  let time = 0;
  let cost = 0;
  let longer = 0;
  const widths: number[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    const server = kind.serverOf(drawFrom(pair));
    const first = record(kind, server, pair);
    const plan = kind.shape(kind.tasks);
    const [row] = whatIf(plan, {
      ...{ server: recordedRun(first.timeline), runs: simulations, seed: pair * 1_000 },
      ...{ maxParallel: [kind.maxParallel], strategy, retry, timeoutMs: TIMEOUT_MS },
    });
    const { metrics } = record(kind, server, 1_000_000 + pair);
    const { makespanRangeMs: times, costRangeUsd: costs } = row ?? {};
    if (times === undefined || costs === undefined) throw new Error(`${kind.name}: no range`);
    if (isIn(times, metrics.executionTimeMs)) time++;
    if (metrics.executionTimeMs > times.high) longer++;
    if (isIn(costs, metrics.costUsd as number)) cost++;
    widths.push((times.high - times.low) / times.median);
  }
  widths.sort((a, b) => a - b);
  const width = widths[widths.length >> 1] as number;
  return {
    name: kind.name,
    pairs,
    time: time / pairs,
    cost: cost / pairs,
    longer: longer / pairs,
    width,
  };
}

const TIMEOUT_MS = 40_000;

function record(
  { shape, tasks, demandOf, maxParallel }: Kind,
  server: ServerModel,
  seed: number,
): PlanResult {
  const random = randomFrom(seed);
  return simulateOn(shape(tasks), {
    ...{ server, seed, maxParallel, strategy, retry, timeoutMs: TIMEOUT_MS },
    demandOf: (task) => demandOf(task, random),
  });
}

function isIn(
  { low, high }: { readonly low: number; readonly high: number },
  value: number,
): boolean {
  return low <= value && value <= high;
}
