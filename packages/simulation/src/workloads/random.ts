import type { TaskType } from '@stratagem/core';
import { randomFrom, spread } from '../util/random.js';
import { createWorkload, type Workload, type WorkloadTask } from './workload.js';

/**
 * Layers of random width. Each task depends on up to three tasks of the previous layer, and takes
 * about a second.
 *
 * @param seed Another seed gives another graph.
 */
export function randomLayers(seed = 0): Workload {
  const random = randomFrom(seed, 'layers');
  const steps: WorkloadTask[] = [];
  let above: string[] = [];
  const layers = 6 + Math.floor(random() * 6);
  for (let layer = 0; layer < layers; layer++) {
    const width = 4 + Math.floor(random() * 21);
    const here = Array.from({ length: width }, (_, index) => `${layer}.${index}`);
    for (const id of here) {
      const dependencies = pick(above, 1 + Math.floor(random() * 3), random);
      steps.push({ id, dependencies, workMs: 1_000 * spread(random, 0.6) });
    }
    above = here;
  }
  return createWorkload('random layers', steps);
}

/** The share of each task type, and the median and spread of its durations. */
const TASK_TYPES: readonly (readonly [
  type: TaskType,
  share: number,
  workMs: number,
  sigma: number,
])[] = [
  ['observation', 0.45, 600, 0.4],
  ['action', 0.35, 2_000, 0.6],
  ['decision', 0.1, 400, 0.3],
  ['aggregate', 0.1, 6_000, 0.4],
];

/**
 * A realistic plan: short look-ups, longer texts and a few long summaries. Most tasks depend on up to
 * two earlier ones, a third on none, and summaries on up to four.
 *
 * @param seed Another seed gives another plan.
 */
export function mixed(seed = 0): Workload {
  const random = randomFrom(seed, 'mixed');
  const steps: WorkloadTask[] = [];
  for (let index = 0; index < 150; index++) {
    const [type, , workMs, sigma] = typeFor(random());
    const before = steps.slice(Math.max(0, index - 40)).map(({ id }) => id);
    const count = type === 'aggregate' ? 4 : Math.floor(random() * 3);
    const dependencies = pick(before, count, random);
    steps.push({
      id: `${type} ${index}`,
      type,
      dependencies,
      workMs: workMs * spread(random, sigma),
    });
  }
  return createWorkload('mixed', steps);
}

/** The type whose share of the range from 0 to 1 contains the number. */
function typeFor(drawn: number): (typeof TASK_TYPES)[number] {
  let sum = 0;
  for (const type of TASK_TYPES) {
    sum += type[1];
    if (drawn < sum) return type;
  }
  return TASK_TYPES[0] as (typeof TASK_TYPES)[number];
}

function pick(from: readonly string[], count: number, random: () => number): string[] {
  if (from.length === 0) return [];
  const drawn = Array.from(
    { length: count },
    () => from[Math.floor(random() * from.length)] as string,
  );
  return [...new Set(drawn)];
}
