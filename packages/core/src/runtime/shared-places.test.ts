import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { byIndex } from '../../test/kernels.js';
import { ReadyTasks } from '../contract/ready-tasks.js';
import type { ResourceLimits } from '../contract/resource-limit.js';
import type { Strategy } from '../contract/strategy.js';
import type { Task } from '../contract/task.js';
import { Graph } from '../graph/graph.js';
import { Kernel } from '../kernel/kernel.js';
import { Heap } from '../util/heap.js';
import { Queue } from '../util/queue.js';
import { createExecutor } from './executor.js';
import { Borrower, SharedPlaces } from './shared-places.js';

interface Given {
  readonly arrivesAt: number;
  readonly maxParallel: number;
  readonly strategy: Strategy;
  readonly tasks: readonly Task[];
}

/** The resource of a task is the part of its id before the dash. */
const resourceOf = ({ id }: Task) => id.split('-')[0] as string;

/** Runs that share places in virtual time: a kernel for each, and one queue of their inputs. */
class SharedRuns {
  readonly kernels: Kernel[] = [];
  now = 0;
  /** Called whenever every input of a moment has been applied. */
  onMoment = () => {};
  readonly #due = new Heap<{ at: number; order: number; act: () => void }>(
    (a, b) => a.at - b.at || a.order - b.order,
  );
  readonly #inputs = new Queue<() => void>();
  #order = 0;

  constructor(places: SharedPlaces, given: readonly Given[]) {
    for (const { arrivesAt, tasks, ...options } of given) {
      const plan = { goal: 'x', tasks };
      const borrower: Borrower = new Borrower(places, () => {
        this.#inputs.push(() => apply(true, () => kernel.useLoan(this.now)));
      });
      const kernel: Kernel = new Kernel({
        ...{ plan, graph: new Graph(tasks), resourceOf, ...options },
        ...{ failFast: false, seed: 1, prices: {}, retry: undefined },
        ...{ deadlineMs: Number.POSITIVE_INFINITY, timeoutMs: Number.POSITIVE_INFINITY },
        ...{ budget: undefined, replan: undefined, loan: borrower.loan(false) },
      });
      const apply = (isTurn: boolean, act: () => void) => {
        kernel.lend(borrower.loan(isTurn));
        act();
        borrower.settle(kernel, true);
        for (const command of kernel.commands.splice(0)) {
          if (command.type !== 'start') continue;
          const { index, attempt } = command;
          const durationMs = tasks[index]?.estimate?.durationMs as number;
          this.#at(this.now + durationMs, () =>
            apply(false, () => kernel.completed(index, attempt, { output: 1 }, this.now)),
          );
        }
        if (kernel.ended) borrower.leave();
      };
      this.kernels.push(kernel);
      this.#at(arrivesAt, () => apply(false, () => kernel.start(this.now)));
    }
  }

  #at(at: number, act: () => void): void {
    this.#due.push({ at, order: this.#order++, act });
  }

  run(until = Number.POSITIVE_INFINITY): void {
    for (let next = this.#due.peek(); next && next.at <= until; next = this.#due.peek()) {
      this.#due.pop();
      this.now = next.at;
      this.#inputs.push(next.act);
      while (this.#inputs.size > 0) (this.#inputs.shift() as () => void)();
      if (this.#due.peek()?.at !== this.now) this.onMoment();
    }
  }

  running(): number[] {
    return this.kernels.map(({ state }) => state.running);
  }
}

function tasksOf(count: number, durationMs: number, resource = 'model'): Task[] {
  return Array.from({ length: count }, (_, n) => ({
    id: `${resource}-${n}`,
    description: 'x',
    estimate: { durationMs },
  }));
}

const large = { strategy: byIndex, maxParallel: Number.POSITIVE_INFINITY };

describe('runs that share places', () => {
  test('take all of them while nobody else wants them', () => {
    const runs = new SharedRuns(new SharedPlaces(12), [
      { ...large, arrivesAt: 0, tasks: tasksOf(100, 10) },
    ]);
    runs.run(0);
    expect(runs.running()).toEqual([12]);
  });

  test('get their fair share as attempts of a run that came first end', () => {
    const runs = new SharedRuns(new SharedPlaces(12), [
      { ...large, arrivesAt: 0, tasks: tasksOf(1_000, 10) },
      { ...large, arrivesAt: 5, tasks: tasksOf(1_000, 10) },
      { ...large, arrivesAt: 25, tasks: tasksOf(6, 10) },
    ]);
    runs.run(5);
    expect(runs.running()).toEqual([12, 0, 0]);
    runs.run(10);
    expect(runs.running()).toEqual([6, 6, 0]);
    runs.run(30);
    expect(runs.running()).toEqual([4, 4, 4]);
    // The last two tasks of the third run leave places, which the others share.
    runs.run(40);
    expect(runs.running()).toEqual([5, 5, 2]);
    runs.run(50);
    expect(runs.running()).toEqual([6, 6, 0]);
  });

  test('do not starve behind runs whose tasks end more often', () => {
    const runs = new SharedRuns(new SharedPlaces(2), [
      { ...large, arrivesAt: 0, tasks: tasksOf(1_000, 1) },
      { ...large, arrivesAt: 0, tasks: tasksOf(1_000, 1) },
      { ...large, arrivesAt: 0, tasks: tasksOf(30, 7) },
    ]);
    runs.run();
    expect(runs.kernels.map(({ state }) => state.status)).toEqual([
      'completed',
      'completed',
      'completed',
    ]);
    // Two places for three runs: 30 tasks of 7 ms need 210 ms, and wait for few turns.
    const { log } = runs.kernels[2] as Kernel;
    expect(log.timeAt(log.length - 1)).toBeLessThan(300);
  });

  test('share a resource by the largest part that they hold of anything', () => {
    const both = [...tasksOf(100, 10, 'model'), ...tasksOf(100, 10, 'other')];
    const runs = new SharedRuns(new SharedPlaces(40, { model: { maxParallel: 8 } }), [
      { ...large, arrivesAt: 0, tasks: both },
      { ...large, arrivesAt: 5, tasks: tasksOf(100, 10, 'model') },
    ]);
    runs.run(5);
    expect(runs.running()).toEqual([40, 0]);
    runs.run(20);
    const at = runs.kernels.map((kernel) => kernel.inFlightAt('model'));
    expect(at.reduce((a, b) => a + b)).toBe(8);
    expect(at[1]).toBeGreaterThanOrEqual(4);
    expect(runs.running().reduce((a, b) => a + b)).toBe(40);
  });

  test('leave the general places to others when they use a separate resource', () => {
    const limits = { batch: { maxParallel: 50, separate: true } };
    const runs = new SharedRuns(new SharedPlaces(4, limits), [
      { ...large, arrivesAt: 0, tasks: tasksOf(100, 1_000, 'batch') },
      { ...large, arrivesAt: 1, tasks: tasksOf(10, 50) },
    ]);
    runs.run(1);
    expect(runs.running()).toEqual([50, 4]);
  });
});

const strategies: readonly Strategy[] = [
  byIndex,
  {
    name: 'ready-tasks',
    begin(run) {
      const ready = new ReadyTasks(run, (a, b) => a.index - b.index);
      return { ready: (task) => ready.push(task), next: () => ready.pop() };
    },
  },
];

const RESOURCES = ['a', 'b', 'c'] as const;

const anyRun: fc.Arbitrary<Given> = fc
  .record({
    arrivesAt: fc.nat(30),
    maxParallel: fc.constantFrom(1, 2, 5, Number.POSITIVE_INFINITY),
    strategy: fc.constantFrom(...strategies),
    tasks: fc.array(
      fc.record({
        resource: fc.constantFrom(...RESOURCES),
        durationMs: fc.integer({ min: 1, max: 12 }),
        after: fc.option(fc.nat(20), { nil: undefined }),
      }),
      { minLength: 1, maxLength: 15 },
    ),
  })
  .map(({ tasks, ...run }) => ({
    ...run,
    tasks: tasks.map(({ resource, durationMs, after }, n) => ({
      id: `${resource}-${n}`,
      description: 'x',
      estimate: { durationMs },
      dependencies: after === undefined || after >= n ? [] : [`${tasks[after]?.resource}-${after}`],
    })),
  }));

const anyLimit = fc.record({
  maxParallel: fc.integer({ min: 1, max: 4 }),
  separate: fc.boolean(),
});

const anyLimits: fc.Arbitrary<ResourceLimits> = fc.record(
  { a: anyLimit, b: anyLimit },
  { requiredKeys: [] },
);

test('the caps hold, no place stays free while a run has a use for it, and every run ends', () => {
  let contested = 0;
  const check = (given: readonly Given[], cap: number, limits: ResourceLimits) => {
    const runs = new SharedRuns(new SharedPlaces(cap, limits), given);
    const inFlight = (resource: string) =>
      runs.kernels.reduce((sum, kernel) => sum + kernel.inFlightAt(resource), 0);
    const general = () =>
      RESOURCES.reduce((n, r) => n + (limits[r]?.separate ? 0 : inFlight(r)), 0);
    const isFree = (resource: string) =>
      inFlight(resource) < (limits[resource]?.maxParallel ?? Number.POSITIVE_INFINITY) &&
      (limits[resource]?.separate === true || general() < cap);
    runs.onMoment = () => {
      expect(general()).toBeLessThanOrEqual(cap);
      for (const [name, { maxParallel }] of Object.entries(limits)) {
        expect(inFlight(name)).toBeLessThanOrEqual(maxParallel);
      }
      for (const [n, { state }] of runs.kernels.entries()) {
        const { maxParallel, tasks } = given[n] as Given;
        if (state.status !== 'running' || state.running >= maxParallel) continue;
        for (const [index, task] of tasks.entries()) {
          if (!state.isPending(index) || !state.isAdmissible(index)) continue;
          contested++;
          expect(isFree(resourceOf(task)), `${task.id} of run ${n} at ${runs.now}`).toBe(false);
        }
      }
    };
    runs.run();
    for (const { state } of runs.kernels) expect(state.status).toBe('completed');
  };
  fc.assert(
    fc.property(
      fc.array(anyRun, { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 6 }),
      anyLimits,
      check,
    ),
    { numRuns: Number(process.env.RUNS ?? 2_000), seed: Number(process.env.SEED ?? 1) },
  );
  expect(contested).toBeGreaterThan(1_000);
});

describe('sharePlacesOf', () => {
  const strategy = { name: 'all', maxParallel: 9, begin: byIndex.begin };
  const runner = { name: 'none', run: async () => ({ output: 1 }) };

  test('bounds the runs of two executors together', async () => {
    let running = 0;
    let peak = 0;
    const run = async () => {
      peak = Math.max(peak, ++running);
      await new Promise(setImmediate);
      running--;
    };
    const tasks = Array.from({ length: 6 }, (_, n) => ({ id: `${n}`, run }));
    const first = createExecutor({ strategy, maxParallel: 3 });
    const second = createExecutor({ strategy, sharePlacesOf: first });
    const runs = [first, second].map((each) => each.execute({ goal: 'x', tasks }).orThrow());
    await Promise.all(runs);
    expect(peak).toBe(3);
  });

  test('is refused with a limit of its own, and for what is no executor', () => {
    const first = createExecutor({ strategy, runner });
    const given = { strategy, sharePlacesOf: first, maxParallel: 3 };
    expect(() => createExecutor(given)).toThrow('sharePlacesOf replaces maxParallel');
    const wrong = { strategy, sharePlacesOf: {} as never };
    expect(() => createExecutor(wrong)).toThrow('must be an executor of createExecutor()');
  });
});
