import fc from 'fast-check';
import { expect, test } from 'vitest';
import { kernelOf, planOf } from '../../test/kernels.js';
import { must } from '../../test/must.js';
import { type Recipe, randomRun, recipes } from '../../test/random-runs.js';
import { simulate } from '../simulate/simulate.js';
import { Kernel } from './kernel.js';

/** 1,000 in the test command; `pnpm properties` tries 100,000. */
const RUNS = Math.max(50, Math.ceil(Number(process.env.RUNS ?? 10_000) / 10));
const SEED = Number(process.env.SEED ?? 1);

/** Inputs whose copies are stale. A second `pause` after a `resume` would be a new input. */
const INPUTS = [
  'start',
  'begun',
  'completed',
  'failed',
  'output',
  'cancelTask',
  'skipTask',
  'answered',
  'rejected',
  'addTasks',
  'replanned',
  'replanFailed',
  'itemsRead',
  'readFailed',
  'wake',
  'cancel',
] as const;

test(`copies of inputs change nothing in ${RUNS} random runs`, () => {
  let copies = 0;
  fc.assert(
    fc.property(recipes, fc.infiniteStream(fc.nat(99)), (recipe, dice) => {
      const clean = logOf(recipe);
      const restore = deliverTwice(
        () => dice.next().value as number,
        () => copies++,
      );
      try {
        must(logOf(recipe) === clean, 'the log is that of clean delivery');
      } finally {
        restore();
      }
    }),
    { numRuns: RUNS, seed: SEED },
  );
  expect(copies).toBeGreaterThan(RUNS);
});

/** Has the kernel receive each input one to three times, late copies in random order. */
function deliverTwice(roll: () => number, count: () => void): () => void {
  const kernel = Kernel.prototype as unknown as Record<string, (...args: unknown[]) => boolean>;
  const originals = new Map(INPUTS.map((name) => [name, kernel[name] as () => boolean]));
  const late = new WeakMap<object, (() => void)[]>();
  let isCopy = false;
  for (const [name, original] of originals) {
    kernel[name] = function (this: object, ...args: unknown[]) {
      if (isCopy) return original.apply(this, args as []);
      const waiting = late.get(this) ?? [];
      late.set(this, waiting);
      const before = waiting.splice(0, roll() % 3);
      const copy = () => {
        isCopy = true;
        const isTaken = original.apply(this, args as []);
        isCopy = false;
        count();
        must(!isTaken, 'a copy is ignored', name);
      };
      for (const deliver of before) deliver();
      const isTaken = original.apply(this, args as []);
      const extra = roll() % 3;
      if (extra > 0) copy();
      if (extra > 1) waiting.splice(roll() % (waiting.length + 1), 0, copy);
      return isTaken;
    };
  }
  return () => {
    for (const [name, original] of originals) kernel[name] = original;
  };
}

function logOf(recipe: Recipe): string {
  const run = randomRun(recipe);
  return JSON.stringify(simulate(run.plan, run.options).timeline);
}

test('an input that names another attempt, another task or none is ignored', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer(), (index, attempt) => {
      fc.pre(!(index === 0 && attempt === 1));
      const kernel = kernelOf(planOf({ a: [] })).kernel;
      kernel.start(0);
      const before = JSON.stringify(kernel.log.events());
      expect(kernel.completed(index, attempt, { output: 1 }, 1)).toBe(false);
      expect(kernel.failed(index, attempt, new Error('no'), 1)).toBe(false);
      expect(kernel.output(index, attempt, { kind: 'text', text: 'x' }, 1)).toBe(false);
      expect(kernel.begun(index, attempt, 1)).toBe(false);
      expect(index !== 0 && kernel.cancelTask(index, 'no', 1)).toBe(false);
      expect(index !== 0 && kernel.skipTask(index, 'no', 1)).toBe(false);
      expect(kernel.answered(index, true, 1)).toBe(false);
      expect(kernel.rejected(index, 'no', 1)).toBe(false);
      expect(kernel.replanned(attempt, { tasks: [] }, 1)).toBe(false);
      expect(JSON.stringify(kernel.log.events())).toBe(before);
    }),
  );
});

test('two completions of one task do not complete a plan of two', () => {
  const kernel = kernelOf(planOf({ a: [], b: [] })).kernel;
  kernel.start(0);
  expect(kernel.completed(0, 1, { output: 1 }, 1)).toBe(true);
  expect(kernel.completed(0, 1, { output: 1 }, 2)).toBe(false);
  expect(kernel.state.status).toBe('running');
  expect(kernel.state.completed).toBe(1);
});
