import { checkLimit, checkOptions } from '@stratagem/core/runner';
import { checkNumber, type SpreadOption } from '../util/check-number.js';
import { randomFrom, spread } from '../util/random.js';
import { createWorkload, type Workload, type WorkloadTask } from './workload.js';

export interface BatchOptions extends SpreadOption {
  /**
   * The seed of the durations; it has an effect only with `sigma`.
   * @default 0
   */
  readonly seed?: number | undefined;
}

/**
 * Independent tasks of a second each; with `sigma`, of about a second.
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
  const steps = independent('task', size).map(
    (step): WorkloadTask => ({ ...step, workMs: 1_000 * spread(randomFrom(seed, step.id), sigma) }),
  );
  return createWorkload(`batch of ${size}`, steps);
}

/** A chain of tasks of a second each. */
export function chain(length: number): Workload {
  checkLimit('chain()', 'length', length);
  return createWorkload(`chain of ${length}`, chained('link', length));
}

/** One task, two that depend on it, and one that depends on both. */
export function diamond(): Workload {
  return createWorkload('diamond', [
    { id: 'top' },
    { id: 'left', dependencies: ['top'], workMs: 2_000 },
    { id: 'right', dependencies: ['top'] },
    { id: 'bottom', dependencies: ['left', 'right'], type: 'aggregate' },
  ]);
}

/** Parallel research, a synthesis, parallel writing, and a review. */
export function researchPipeline(): Workload {
  const research = independent('research', 12).map(
    (step, index): WorkloadTask => ({
      ...step,
      type: 'observation',
      workMs: 800 + 100 * (index % 5),
    }),
  );
  const write = independent('write', 8).map(
    (step, index): WorkloadTask => ({
      ...step,
      dependencies: ['synthesise'],
      workMs: 2_000 + 250 * (index % 4),
    }),
  );
  return createWorkload('research pipeline', [
    ...research,
    { id: 'synthesise', dependencies: ids(research), type: 'aggregate', workMs: 3_000 },
    ...write,
    { id: 'review', dependencies: ids(write), type: 'decision', workMs: 1_500 },
  ]);
}

/** A hundred parallel tasks, then a chain of 20 that depends on all of them. */
export function wideThenChain(): Workload {
  const wide = independent('wide', 100);
  const [first, ...rest] = chained('link', 20);
  return createWorkload('wide then chain', [
    ...wide,
    { ...(first as WorkloadTask), dependencies: ids(wide) },
    ...rest,
  ]);
}

/** Parallel tasks, an aggregate of each twenty of them, and a final aggregate. */
export function mapReduce(size: number): Workload {
  checkLimit('mapReduce()', 'size', size);
  const maps = independent('map', size);
  const reduces = Array.from(
    { length: Math.ceil(size / 20) },
    (_, index): WorkloadTask => ({
      id: `reduce ${index}`,
      dependencies: ids(maps.slice(20 * index, 20 * index + 20)),
      type: 'aggregate',
      workMs: 2_000,
    }),
  );
  return createWorkload(`map-reduce of ${size}`, [
    ...maps,
    ...reduces,
    { id: 'result', dependencies: ids(reduces), type: 'aggregate', workMs: 3_000 },
  ]);
}

function independent(name: string, size: number): WorkloadTask[] {
  return Array.from({ length: size }, (_, index) => ({ id: `${name} ${index}` }));
}

function chained(name: string, length: number): WorkloadTask[] {
  return Array.from({ length }, (_, index) => ({
    id: `${name} ${index}`,
    ...(index > 0 && { dependencies: [`${name} ${index - 1}`] }),
  }));
}

function ids(steps: readonly WorkloadTask[]): string[] {
  return steps.map(({ id }) => id);
}
