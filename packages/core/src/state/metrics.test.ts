import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { testJournal } from '../../test/journals.js';
import { recorded } from '../../test/recorded.js';
import { RunnerError } from '../contract/errors.js';
import type { RunEvent } from '../contract/event.js';
import type { Plan } from '../contract/plan.js';
import type { RunContext } from '../contract/run-context.js';
import type { Strategy, TaskView } from '../contract/strategy.js';
import type { TotalUsage, Usage } from '../index.js';
import { createExecutor } from '../runtime/executor.js';
import type { SimulatedAttempt } from '../simulate/options.js';
import { resumeSimulation, simulate } from '../simulate/simulate.js';
import { computeMetrics, type Metrics } from './metrics.js';

const strategy: Strategy = {
  name: 'first-come',
  begin() {
    const ready: TaskView[] = [];
    return { ready: (task) => void ready.push(task), next: () => ready.shift() };
  },
};

const nothing: TotalUsage = {
  inputTokens: 0,
  outputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteInputTokens: 0,
  reasoningTokens: 0,
};

const sum = (numbers: readonly number[]) => numbers.reduce((total, n) => total + n, 0);
const share = (part: number, whole: number) => (whole > 0 ? part / whole : 0);

/** The figures from the intervals in the log, each written down as its definition reads. */
function naive(events: readonly RunEvent[], plan: Plan, maxParallel: number): Metrics {
  const of = <T extends RunEvent['type']>(type: T) =>
    events.filter((event): event is Extract<RunEvent, { type: T }> => event.type === type);
  const completed = of('task_completed');
  const failed = of('task_failed');
  const canceled = of('task_canceled');
  const started = of('task_started');
  const endOf = (id: string) =>
    [...completed, ...failed, ...canceled].find(({ taskId }) => taskId === id) as RunEvent;
  const begin = (events[0] as RunEvent).timestamp;

  const intervals = started.map((event) => ({ id: event.taskId, event, end: endOf(event.taskId) }));
  const durations = intervals.map(({ event, end }) => end.timestamp - event.timestamp);
  const sorted = [...durations].sort((a, b) => a - b);
  const rank = (percent: number) => sorted[Math.ceil((sorted.length * percent) / 100) - 1] ?? 0;
  const dependenciesOf = (id: string) =>
    plan.tasks.find((task) => task.id === id)?.dependencies ?? [];
  const waits = started.map(({ taskId, timestamp }) => {
    const readyAt = dependenciesOf(taskId).map((id) => endOf(id).timestamp);
    return timestamp - Math.max(begin, ...readyAt);
  });
  const chain = (id: string): number => {
    const position = intervals.findIndex((interval) => interval.id === id);
    if (position === -1) return 0;
    return (durations[position] as number) + Math.max(0, ...dependenciesOf(id).map(chain));
  };
  const inFlight = intervals.map(
    ({ event: { sequence } }) =>
      intervals.filter(({ event, end }) => event.sequence <= sequence && end.sequence > sequence)
        .length,
  );
  const reports: { usage?: Usage; costUsd?: number }[] = [
    ...completed,
    ...failed.map(({ error }) => ({ ...(error.usage && { usage: error.usage }) })),
  ];
  const tokens = (field: keyof Usage) => sum(reports.map(({ usage }) => usage?.[field] ?? 0));
  const unpriced = reports.some(({ usage, costUsd }) => usage && costUsd === undefined);

  const executionTimeMs = (events.at(-1) as RunEvent).timestamp - begin;
  const totalWorkMs = sum(durations);
  const speedup = share(totalWorkMs, executionTimeMs);
  const criticalPathMs = Math.max(0, ...plan.tasks.map(({ id }) => chain(id)));
  return {
    totalTasks: plan.tasks.length,
    completedTasks: completed.length,
    failedTasks: failed.length,
    skippedTasks: of('task_skipped').length,
    canceledTasks: canceled.length,
    attempts: started.length,
    successRate: share(completed.length, plan.tasks.length),
    executionTimeMs,
    averageTaskDurationMs: share(totalWorkMs, durations.length),
    p50TaskDurationMs: rank(50),
    p95TaskDurationMs: rank(95),
    averageQueueWaitMs: share(sum(waits), waits.length),
    maxQueueWaitMs: Math.max(0, ...waits),
    throughputPerSecond: share(completed.length * 1000, executionTimeMs),
    peakConcurrency: Math.max(0, ...inFlight),
    totalWorkMs,
    criticalPathMs,
    humanWaitMs: 0,
    speedup,
    parallelEfficiency: share(
      Math.max(criticalPathMs, share(totalWorkMs, Math.min(maxParallel, plan.tasks.length))),
      executionTimeMs,
    ),
    replanRounds: 0,
    usage: {
      inputTokens: tokens('inputTokens'),
      outputTokens: tokens('outputTokens'),
      cachedInputTokens: tokens('cachedInputTokens'),
      cacheWriteInputTokens: tokens('cacheWriteInputTokens'),
      reasoningTokens: tokens('reasoningTokens'),
    },
    costUsd: unpriced ? null : sum(reports.map(({ costUsd }) => costUsd ?? 0)),
  };
}

const usages = fc.record(
  {
    inputTokens: fc.nat(1_000),
    outputTokens: fc.nat(1_000),
    cachedInputTokens: fc.nat(1_000),
    cacheWriteInputTokens: fc.nat(1_000),
    reasoningTokens: fc.nat(1_000),
  },
  { requiredKeys: ['inputTokens', 'outputTokens'] },
);

const runs = fc.record({
  tasks: fc.array(
    fc.record({
      on: fc.array(fc.nat(), { maxLength: 3 }),
      durationMs: fc.nat(100),
      fails: fc.constantFrom(false, false, false, true),
      usage: fc.option(usages, { nil: undefined }),
      // Powers of two, so that sums do not depend on their order.
      costUsd: fc.constantFrom(0.25, 0.5, 1, 2, undefined),
    }),
    { minLength: 1, maxLength: 20 },
  ),
  maxParallel: fc.constantFrom(1, 2, 5, Number.POSITIVE_INFINITY),
  failFast: fc.boolean(),
  deadlineMs: fc.constantFrom(50, 200, 100_000),
});

describe('computeMetrics', () => {
  test('equals the definitions, computed separately from random logs', () => {
    fc.assert(
      fc.property(runs, ({ tasks, ...options }) => {
        const plan: Plan = {
          goal: 'metrics',
          tasks: tasks.map(({ on }, index) => ({
            id: `t${index}`,
            description: 'x',
            dependencies: [...new Set(on.map((n) => n % (index + 1)))]
              .filter((n) => n < index)
              .map((n) => `t${n}`),
          })),
        };
        const result = simulate(plan, {
          strategy: { ...strategy, maxParallel: Number.POSITIVE_INFINITY },
          ...options,
          attempt({ id }): SimulatedAttempt {
            const { durationMs, fails, usage, costUsd } = tasks[
              Number(id.slice(1))
            ] as (typeof tasks)[0];
            return {
              durationMs,
              ...(usage && { usage }),
              ...(costUsd !== undefined && { costUsd }),
              ...(fails && { error: new RunnerError('refused', 'no', usage ? { usage } : {}) }),
            };
          },
        });
        expect(result.metrics).toEqual(naive(result.timeline, plan, options.maxParallel));
        expect(computeMetrics(result.timeline)).toEqual(result.metrics);
        expect(computeMetrics(JSON.parse(JSON.stringify(result.timeline)))).toEqual(result.metrics);
      }),
      { numRuns: 500 },
    );
  });

  test('satisfies the invariants of every run', () => {
    fc.assert(
      fc.property(runs, ({ tasks, ...options }) => {
        const plan: Plan = {
          goal: 'metrics',
          tasks: tasks.map((_, index) => ({
            id: `${index}`,
            description: 'x',
            dependencies: index % 3 === 0 ? [] : [`${index - 1}`],
          })),
        };
        const { metrics } = simulate(plan, {
          strategy,
          ...options,
          attempt: ({ id }) => ({ durationMs: tasks[Number(id)]?.durationMs ?? 0 }),
        });
        const cap = Math.min(options.maxParallel, tasks.length);
        expect(
          metrics.completedTasks +
            metrics.failedTasks +
            metrics.skippedTasks +
            metrics.canceledTasks,
        ).toBe(metrics.totalTasks);
        expect(metrics.criticalPathMs).toBeLessThanOrEqual(metrics.executionTimeMs);
        expect(metrics.criticalPathMs).toBeLessThanOrEqual(metrics.totalWorkMs);
        expect(metrics.peakConcurrency).toBeLessThanOrEqual(cap);
        expect(metrics.totalWorkMs).toBeLessThanOrEqual(cap * metrics.executionTimeMs);
        expect(metrics.parallelEfficiency).toBeLessThanOrEqual(1 + 1e-9);
        expect(metrics.p50TaskDurationMs).toBeLessThanOrEqual(metrics.p95TaskDurationMs);
      }),
    );
  });

  test('of four equal tasks, two at a time', () => {
    const plan: Plan = {
      goal: 'x',
      tasks: ['a', 'b', 'c', 'd'].map((id) => ({ id, description: 'x' })),
    };
    const { metrics } = simulate(plan, {
      strategy,
      maxParallel: 2,
      attempt: () => ({
        durationMs: 500,
        usage: { inputTokens: 10, outputTokens: 5, cachedInputTokens: 4 },
        costUsd: 0.5,
      }),
    });
    expect(metrics).toEqual({
      totalTasks: 4,
      completedTasks: 4,
      failedTasks: 0,
      skippedTasks: 0,
      canceledTasks: 0,
      attempts: 4,
      successRate: 1,
      executionTimeMs: 1_000,
      averageTaskDurationMs: 500,
      p50TaskDurationMs: 500,
      p95TaskDurationMs: 500,
      averageQueueWaitMs: 250,
      maxQueueWaitMs: 500,
      throughputPerSecond: 4,
      peakConcurrency: 2,
      totalWorkMs: 2_000,
      criticalPathMs: 500,
      humanWaitMs: 0,
      speedup: 2,
      parallelEfficiency: 1,
      replanRounds: 0,
      usage: {
        inputTokens: 40,
        outputTokens: 20,
        cachedInputTokens: 16,
        cacheWriteInputTokens: 0,
        reasoningTokens: 0,
      },
      costUsd: 2,
    } satisfies Metrics);
  });

  const second = () => ({ durationMs: 1_000 });
  const people = () => ({ afterMs: 5_000, answer: true });
  const task = (id: string, ...dependencies: string[]) => ({ id, description: 'x', dependencies });
  const approval = (id: string, ...dependencies: string[]) => ({
    ...task(id, ...dependencies),
    waitFor: 'approval' as const,
  });

  test.each<[string, Plan['tasks'], number | undefined, Partial<Metrics>]>([
    ['a chain', [task('a'), task('b', 'a')], undefined, { speedup: 1, parallelEfficiency: 1 }],
    ['a chain, with a cap of one', [task('a'), task('b', 'a')], 1, { parallelEfficiency: 1 }],
    [
      'two chains, one after the other',
      [task('a'), task('b', 'a'), task('c'), task('d', 'c')],
      1,
      { speedup: 1, parallelEfficiency: 1 },
    ],
    [
      'a chain that waits for a place',
      [task('c'), task('d'), task('e'), task('a'), task('b', 'a')],
      2,
      { executionTimeMs: 3_000, speedup: 5 / 3, parallelEfficiency: 2.5 / 3 },
    ],
    [
      'a chain with an approval',
      [task('a'), approval('ok', 'a'), task('b', 'ok')],
      undefined,
      { executionTimeMs: 7_000, humanWaitMs: 5_000, speedup: 1, parallelEfficiency: 1 },
    ],
    [
      'an approval beside work',
      [approval('ok'), task('a'), task('b'), task('c', 'b'), task('d', 'ok')],
      undefined,
      { executionTimeMs: 6_000, humanWaitMs: 3_000, speedup: 4 / 3, parallelEfficiency: 1 },
    ],
    [
      'two approvals at the same time',
      [approval('x'), approval('y'), task('a', 'x', 'y')],
      undefined,
      { executionTimeMs: 6_000, humanWaitMs: 5_000, speedup: 1, parallelEfficiency: 1 },
    ],
  ])('of %s blame nobody for what could not be faster', (_, tasks, maxParallel, expected) => {
    const options = { strategy, maxParallel, attempt: second, answer: people };
    const { metrics, timeline } = simulate({ goal: 'x', tasks }, options);
    for (const [name, value] of Object.entries(expected)) {
      expect(metrics[name as 'speedup'], name).toBeCloseTo(value as number);
    }
    expect(computeMetrics(timeline)).toEqual(metrics);
  });

  test('leave out the downtime of a run that waited for a human', () => {
    const plan: Plan = { goal: 'x', tasks: [approval('ok'), task('a', 'ok')] };
    const options = { strategy, attempt: second, answer: people };
    const { timeline } = simulate(plan, options);
    const asked = timeline.slice(0, timeline.findIndex(({ type }) => type === 'task_waiting') + 1);
    const resumed = resumeSimulation(plan, options, recorded(plan, asked), { downtimeMs: 2_000 });
    expect(resumed.metrics).toMatchObject({
      ...{ executionTimeMs: 6_000, humanWaitMs: 5_000, speedup: 1, parallelEfficiency: 1 },
    });
  });

  test('are 0 for an empty log, never NaN', () => {
    const metrics = computeMetrics([]);
    expect(metrics.usage).toEqual(nothing);
    expect(metrics.costUsd).toBe(0);
    for (const value of Object.values(metrics))
      if (typeof value === 'number') expect(value).toBe(0);
  });

  test('are those of the run so far for a prefix of a log', () => {
    const plan: Plan = {
      goal: 'x',
      tasks: [
        { id: 'a', description: 'x' },
        { id: 'b', description: 'x', dependencies: ['a'] },
      ],
    };
    const { timeline } = simulate(plan, { strategy, attempt: () => ({ durationMs: 10 }) });
    const untilSecondStart = timeline.slice(0, 5);
    expect(untilSecondStart.at(-1)).toMatchObject({ type: 'task_started', taskId: 'b' });
    expect(computeMetrics(untilSecondStart)).toMatchObject({
      totalTasks: 2,
      completedTasks: 1,
      attempts: 2,
      executionTimeMs: 10,
      totalWorkMs: 10,
      successRate: 0.5,
    });
  });

  test('of a run without duration have no infinite rates', () => {
    const { metrics } = simulate(
      { goal: 'x', tasks: [{ id: 'a', description: 'x' }] },
      { strategy, attempt: () => ({ durationMs: 0 }) },
    );
    expect(metrics).toMatchObject({ throughputPerSecond: 0, speedup: 0, parallelEfficiency: 0 });
  });

  test.each<[string, (SimulatedAttempt | undefined)[], number | null]>([
    ['0 when nothing was bought', [undefined, undefined], 0],
    [
      'the sum of what is known',
      [
        { durationMs: 1, costUsd: 0.5, usage: { ...nothing } },
        { durationMs: 1, costUsd: 0.25 },
      ],
      0.75,
    ],
    [
      'unknown when one of them has tokens and no price',
      [
        { durationMs: 1, costUsd: 0.5 },
        { durationMs: 1, usage: { ...nothing } },
      ],
      null,
    ],
    [
      'unknown also when the unpriced one came first',
      [
        { durationMs: 1, usage: { ...nothing } },
        { durationMs: 1, costUsd: 0.5 },
      ],
      null,
    ],
  ])('the cost is %s', (_, attempts, cost) => {
    const { metrics } = simulate(
      { goal: 'x', tasks: attempts.map((_, index) => ({ id: `${index}`, description: 'x' })) },
      { strategy, attempt: ({ id }) => attempts[Number(id)] ?? { durationMs: 1 } },
    );
    expect(metrics.costUsd).toBe(cost);
  });

  test('reject a log without its start', () => {
    const event = { type: 'run_completed', sequence: 0, timestamp: 0, durationMs: 0 } as const;
    expect(() => computeMetrics([event])).toThrow('a log begins with run_started');
  });
});

test('of a run whose streamed output was dropped', async () => {
  const options = { journal: testJournal(), timeline: 'stream', onEvent() {} } as const;
  const executor = createExecutor({ strategy, ...options });
  // What tasks report at the same time becomes one append.
  const run = async (_: unknown, { emit }: RunContext) => {
    await Promise.resolve();
    void emit('a text');
    await Promise.resolve();
    return 1;
  };
  const tasks = Array.from({ length: 10 }, (_, index) => ({ id: `t${index}`, run }));
  const { metrics } = await executor.execute({ goal: 'x', tasks });
  expect(metrics).toMatchObject({ completedTasks: 10, attempts: 10 });
});
