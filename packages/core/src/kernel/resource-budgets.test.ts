import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inOrder } from '../../test/runs.js';
import type { Budget } from '../contract/budget.js';
import type { RunEvent } from '../contract/event.js';
import type { Plan } from '../contract/plan.js';
import type { Task } from '../contract/task.js';
import type { SimulateOptions } from '../simulate/options.js';
import { simulate } from '../simulate/simulate.js';

/** What an attempt competes for: the id of a task is its resource and a number. */
const resourceOf = ({ id }: Task) => id.split('-')[0] as string;

const using = (tokens: number): SimulateOptions['attempt'] => {
  return () => ({ durationMs: 10, usage: { inputTokens: tokens, outputTokens: 0 } });
};

function batch(sizes: Readonly<Record<string, number>>, task: Partial<Task> = {}): Plan {
  const tasks = Object.entries(sizes).flatMap(([resource, size]) =>
    Array.from({ length: size }, (_, n) => ({ id: `${resource}-${n}`, description: 'x', ...task })),
  );
  return { goal: 'x', tasks };
}

function play(plan: Plan, options: Partial<SimulateOptions>) {
  return simulate(plan, { strategy: inOrder, resourceOf, ...options });
}

const of = <Type extends RunEvent['type']>(timeline: readonly RunEvent[], type: Type) =>
  timeline.filter((event): event is Extract<RunEvent, { type: Type }> => event.type === type);

describe('a budget of a resource', () => {
  test('stops the run before a start that would exceed it, and names the resource', () => {
    const { metrics, error, timeline } = play(batch({ fast: 9, deep: 1 }), {
      budget: { resources: { fast: { tokens: 55 } } },
      maxParallel: 1,
      attempt: using(10),
    });
    expect(metrics).toMatchObject({ completedTasks: 5, skippedTasks: 5 });
    expect(of(timeline, 'budget_exceeded')).toMatchObject([
      { taskId: 'fast-5', resource: 'fast', budget: 'tokens', limit: 55, used: 50, requested: 10 },
    ]);
    expect(error?.message).toBe(
      'The run was stopped before task "fast-5": the budget of resource "fast" of 55 for tokens has 50 used, and the task was expected to add 10',
    );
  });

  test('counts what its own resource used, and not what others did', () => {
    const plan = batch({ deep: 9, fast: 5 });
    const options = { maxParallel: 1, attempt: using(10) };
    const fits = play(plan, { ...options, budget: { resources: { fast: { tokens: 50 } } } });
    expect(fits.status).toBe('completed');
    const other = play(plan, { ...options, budget: { resources: { slow: { tokens: 1 } } } });
    expect(other.status).toBe('completed');
  });

  test('of dollars stops when the price of its resource is unknown, and of no other', () => {
    const attempt: SimulateOptions['attempt'] = ({ id }) => ({
      durationMs: 10,
      usage: { inputTokens: 1, outputTokens: 0 },
      ...(id.startsWith('fast') && { costUsd: 1 }),
    });
    const budgetOf = (resource: string): Budget => ({ resources: { [resource]: { costUsd: 9 } } });
    const plan = batch({ fast: 2, deep: 2 });
    expect(play(plan, { attempt, maxParallel: 1, budget: budgetOf('fast') }).status).toBe(
      'completed',
    );
    const { error } = play(plan, { attempt, maxParallel: 1, budget: budgetOf('deep') });
    expect(error?.message).toContain(
      'the budget of resource "deep" for costUsd cannot be kept, because tokens were used whose price is unknown',
    );
  });

  test('holds up its own tasks alone while attempts in flight may use it up', () => {
    const { timeline, status, metrics } = play(
      batch({ fast: 6, deep: 6 }, { estimate: { tokens: 50 } }),
      { budget: { resources: { fast: { tokens: 120 } } }, attempt: using(5) },
    );
    expect(status).toBe('completed');
    const starts = of(timeline, 'task_started');
    const at = (resource: string) =>
      starts.flatMap(({ taskId, timestamp }) => (taskId.startsWith(resource) ? timestamp : []));
    expect(at('deep')).toEqual([0, 0, 0, 0, 0, 0]);
    // Two estimates of 50 fit, and what was used is little.
    expect(at('fast')).toEqual([0, 0, 10, 10, 20, 20]);
    expect(metrics.peakConcurrency).toBe(8);
    const waits = of(timeline, 'budget_waiting').map(({ taskId, resource }) => [taskId, resource]);
    expect(waits).toEqual([2, 3, 4, 5].map((n) => [`fast-${n}`, 'fast']));
  });

  test('reserves nothing for the attempts of other resources', () => {
    const { metrics } = play(batch({ deep: 4, fast: 2 }, { estimate: { tokens: 50 } }), {
      budget: { resources: { fast: { tokens: 100 }, deep: { tokens: 200 } } },
      attempt: using(50),
    });
    expect(metrics).toMatchObject({ completedTasks: 6, peakConcurrency: 6 });
  });

  test('keeps the order of its tasks: the one that waits starts first', () => {
    const { timeline } = play(batch({ fast: 5, deep: 1 }, { estimate: { tokens: 50 } }), {
      budget: { resources: { fast: { tokens: 60 } } },
      attempt: using(1),
    });
    const started = of(timeline, 'task_started').map(({ taskId }) => taskId);
    expect(started.filter((id) => id.startsWith('fast'))).toEqual([
      'fast-0',
      'fast-1',
      'fast-2',
      'fast-3',
      'fast-4',
    ]);
  });

  test('goes together with a cap of the resource', () => {
    const { metrics, status } = play(batch({ fast: 6 }, { estimate: { tokens: 10 } }), {
      budget: { resources: { fast: { tokens: 100 } } },
      resources: { fast: { maxParallel: 2 } },
      attempt: using(10),
    });
    expect([status, metrics.peakConcurrency]).toEqual(['completed', 2]);
  });

  test('of the plan and of the run both apply', () => {
    const plan = { ...batch({ fast: 9 }), budget: { resources: { fast: { tokens: 30 } } } };
    const completed = (tokens: number) => {
      const budget = { resources: { fast: { tokens }, deep: { tokens: 1 } } };
      return play(plan, { budget, maxParallel: 1, attempt: using(10) }).metrics.completedTasks;
    };
    expect([completed(20), completed(90)]).toEqual([2, 3]);
  });

  test('starts no task after it is used up by a task that reported more than it was to use', () => {
    const { metrics } = play(batch({ fast: 3 }, { estimate: { tokens: 1 } }), {
      budget: { resources: { fast: { tokens: 10 } } },
      maxParallel: 1,
      attempt: using(40),
    });
    expect(metrics.attempts).toBe(1);
  });

  test('is part of what a round of re-planning may still use', () => {
    const seen: unknown[] = [];
    play(batch({ fast: 1, deep: 1 }), {
      budget: { resources: { fast: { tokens: 100 }, deep: { costUsd: 1 } } },
      attempt: ({ id }) => ({
        durationMs: 1,
        usage: { inputTokens: 30, outputTokens: 0 },
        costUsd: 0.25,
        ...(id === 'deep-0' && { error: new Error('no') }),
      }),
      replan: {
        revise: ({ remaining }) => {
          seen.push(remaining.resources);
          return { durationMs: 1, tasks: [] };
        },
      },
    });
    expect(seen).toEqual([{ fast: { tokens: 70 }, deep: { costUsd: 1 } }]);
  });
});

const runs = fc.record({
  sizes: fc.record({ fast: fc.integer({ min: 1, max: 60 }), deep: fc.nat(60) }),
  maxParallel: fc.constantFrom(1, 4, 16, 64, Number.POSITIVE_INFINITY),
  /** What each task uses. */
  tokens: fc.integer({ min: 1, max: 2_000 }),
  limits: fc.record({ fast: fc.integer({ min: 1, max: 40_000 }), deep: fc.nat(40_000) }),
  estimated: fc.constantFrom('none', 'some', 'all'),
  failures: fc.nat(3),
});

test('a run exceeds the budget of no resource by more than one task', () => {
  const stopped = new Set<string | undefined>();
  let parallel = 0;
  fc.assert(
    fc.property(runs, ({ sizes, maxParallel, tokens, limits, estimated, failures }) => {
      const { tasks } = batch(sizes);
      const isEstimated = (n: number) =>
        estimated === 'all' || (estimated === 'some' && n % 2 === 0);
      const plan = {
        goal: 'x',
        tasks: tasks.map((task, n) => (isEstimated(n) ? { ...task, estimate: { tokens } } : task)),
      };
      const { timeline, metrics } = play(plan, {
        budget: {
          resources: { fast: { tokens: limits.fast }, deep: { tokens: limits.deep + 1 } },
        },
        maxParallel,
        attempt: ({ id }) => ({
          durationMs: 10 + (Number(id.split('-')[1]) % 3),
          ...(Number(id.split('-')[1]) < failures && { error: new Error('no') }),
          usage: { inputTokens: tokens, outputTokens: 0 },
        }),
      });
      for (const [name, limit] of Object.entries({ ...limits, deep: limits.deep + 1 })) {
        const ended = of(timeline, 'task_completed').filter(({ taskId }) =>
          taskId.startsWith(name),
        );
        expect(ended.length * tokens).toBeLessThan(limit + tokens);
      }
      stopped.add(of(timeline, 'budget_exceeded')[0]?.resource);
      if (metrics.peakConcurrency > 8) parallel++;
    }),
    { numRuns: 300 },
  );
  expect([...stopped].sort()).toEqual(['deep', 'fast', undefined]);
  expect(parallel).toBeGreaterThan(30);
});
