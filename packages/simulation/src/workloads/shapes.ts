import { checkLimit, checkOptions } from '@stratagem/core';
import { checkNumber, type SpreadOption } from '../options.js';
import { randomFrom, spread } from '../random.js';
import { type Step, type Workload, workloadOf } from '../workload.js';

export interface BatchOptions extends SpreadOption {
  /**
   * Another seed gives other tasks; matters with `sigma`.
   * @default 0
   */
  readonly seed?: number;
}

/**
 * Tasks that do not depend on each other, a second each; with `sigma`, around a second.
 *
 * @throws {OptionError} when the size or an option is out of range, or unknown.
 *
 * @example
 * const { plan, demandOf } = batch(200, { sigma: 0.5 });
 */
export function batch(size: number, options: BatchOptions = {}): Workload {
  checkLimit('batch()', 'size', size);
  checkOptions('batch()', options, ['sigma', 'seed']);
  const { sigma = 0, seed = 0 } = options;
  checkNumber('batch()', 'sigma', sigma);
  checkNumber('batch()', 'seed', seed, Number.NEGATIVE_INFINITY);
  const steps = many('task', size).map(
    (step): Step => ({ ...step, workMs: 1_000 * spread(randomFrom(seed, step.id), sigma) }),
  );
  return workloadOf(`batch of ${size}`, steps);
}

/** Each task on the one before, a second each. */
export function chain(length: number): Workload {
  checkLimit('chain()', 'length', length);
  return workloadOf(`chain of ${length}`, inARow('link', length));
}

/** One task, two that need it, one that needs both. */
export function diamond(): Workload {
  return workloadOf('diamond', [
    { id: 'top' },
    { id: 'left', dependencies: ['top'], workMs: 2_000 },
    { id: 'right', dependencies: ['top'] },
    { id: 'bottom', dependencies: ['left', 'right'], type: 'aggregate' },
  ]);
}

/** Research side by side, a synthesis of all, writing side by side, a review of all. */
export function researchPipeline(): Workload {
  const research = many('research', 12).map(
    (step, index): Step => ({ ...step, type: 'observation', workMs: 800 + 100 * (index % 5) }),
  );
  const write = many('write', 8).map(
    (step, index): Step => ({
      ...step,
      dependencies: ['synthesise'],
      workMs: 2_000 + 250 * (index % 4),
    }),
  );
  return workloadOf('research pipeline', [
    ...research,
    { id: 'synthesise', dependencies: ids(research), type: 'aggregate', workMs: 3_000 },
    ...write,
    { id: 'review', dependencies: ids(write), type: 'decision', workMs: 1_500 },
  ]);
}

/** A hundred tasks side by side, then a chain of 20 that needs them all. */
export function wideThenChain(): Workload {
  const wide = many('wide', 100);
  const [first, ...rest] = inARow('link', 20);
  return workloadOf('wide then chain', [
    ...wide,
    { ...(first as Step), dependencies: ids(wide) },
    ...rest,
  ]);
}

/** Tasks side by side, a task for each twenty of them, one for all of those. */
export function mapReduce(size: number): Workload {
  checkLimit('mapReduce()', 'size', size);
  const maps = many('map', size);
  const reduces = Array.from(
    { length: Math.ceil(size / 20) },
    (_, index): Step => ({
      id: `reduce ${index}`,
      dependencies: ids(maps.slice(20 * index, 20 * index + 20)),
      type: 'aggregate',
      workMs: 2_000,
    }),
  );
  return workloadOf(`map-reduce of ${size}`, [
    ...maps,
    ...reduces,
    { id: 'result', dependencies: ids(reduces), type: 'aggregate', workMs: 3_000 },
  ]);
}

function many(name: string, size: number): Step[] {
  return Array.from({ length: size }, (_, index) => ({ id: `${name} ${index}` }));
}

function inARow(name: string, length: number): Step[] {
  return Array.from({ length }, (_, index) => ({
    id: `${name} ${index}`,
    ...(index > 0 && { dependencies: [`${name} ${index - 1}`] }),
  }));
}

function ids(steps: readonly Step[]): string[] {
  return steps.map(({ id }) => id);
}
