import type { TaskType } from '@stratagem/core';
import { randomFrom, spread } from '../random.js';
import { type Step, type Workload, workloadOf } from '../workload.js';

/**
 * Layers of random width, each task on up to three of the layer above; about a second each.
 *
 * @param seed Another seed gives another graph.
 */
export function randomLayers(seed = 0): Workload {
  const random = randomFrom(seed, 'layers');
  const steps: Step[] = [];
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
  return workloadOf('random layers', steps);
}

/** What tasks of a type take: in the middle, and how far they spread. */
const KINDS: readonly (readonly [type: TaskType, share: number, workMs: number, sigma: number])[] =
  [
    ['observation', 0.45, 600, 0.4],
    ['action', 0.35, 2_000, 0.6],
    ['decision', 0.1, 400, 0.3],
    ['aggregate', 0.1, 6_000, 0.4],
  ];

/**
 * What real plans look like: short look-ups, longer texts, a few long summaries, each on up to two
 * of the tasks before it, a third on none.
 *
 * @param seed Another seed gives another plan.
 */
export function mixed(seed = 0): Workload {
  const random = randomFrom(seed, 'mixed');
  const steps: Step[] = [];
  for (let index = 0; index < 150; index++) {
    const [type, , workMs, sigma] = kindOf(random());
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
  return workloadOf('mixed', steps);
}

function kindOf(drawn: number): (typeof KINDS)[number] {
  let sum = 0;
  for (const kind of KINDS) {
    sum += kind[1];
    if (drawn < sum) return kind;
  }
  return KINDS[0] as (typeof KINDS)[number];
}

function pick(from: readonly string[], count: number, random: () => number): string[] {
  if (from.length === 0) return [];
  const drawn = Array.from(
    { length: count },
    () => from[Math.floor(random() * from.length)] as string,
  );
  return [...new Set(drawn)];
}
