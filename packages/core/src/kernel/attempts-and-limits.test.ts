import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ATTEMPT_ERROR_CODES } from '../contract/errors.js';
import { retryDelay, TRANSIENT_ERROR_CODES } from '../contract/retry.js';
import type { Strategy, TaskView } from '../contract/strategy.js';
import { type Plan, type RunEvent, RunnerError, type Task } from '../index.js';
import { costOf } from '../runner.js';
import { createExecutor } from '../runtime/executor.js';
import type { SimulateOptions } from '../simulate/options.js';
import { simulate } from '../simulate/simulate.js';

const inOrder: Strategy = {
  name: 'in-order',
  begin() {
    const ready: TaskView[] = [];
    return { ready: (task) => void ready.push(task), next: () => ready.shift() };
  },
};

const one: Plan = { goal: 'x', tasks: [{ id: 'a', description: 'x' }] };

function play(plan: Plan, options: Partial<SimulateOptions> = {}) {
  return simulate(plan, { strategy: inOrder, ...options });
}

/** Fails so often, then succeeds. */
function failing(times: number, error: RunnerError): SimulateOptions['attempt'] {
  return (_, attempt) => ({ durationMs: 10, ...(attempt <= times && { error }) });
}

function starts(timeline: readonly RunEvent[]): number[] {
  return timeline.flatMap((event) => (event.type === 'task_started' ? event.timestamp : []));
}

describe('attempts', () => {
  test.each(ATTEMPT_ERROR_CODES)('after %s are retried only if the error is transient', (code) => {
    const { tasks } = play(one, { attempt: failing(1, new RunnerError(code, 'no')) });
    const transient = TRANSIENT_ERROR_CODES.includes(code);
    expect(tasks[0]).toMatchObject({
      status: transient ? 'completed' : 'failed',
      attempts: transient ? 2 : 1,
    });
  });

  test.each([
    ['rate_limited', false, undefined, 1],
    ['rate_limited', true, undefined, 2],
    ['invalid_request', true, undefined, 2],
    ['invalid_request', false, ['invalid_request'], 1],
    ['invalid_request', true, ['timeout'], 1],
  ] as const)(
    'after %s with isRetryable %s and on %j are %i',
    (code, isRetryable, on, attempts) => {
      const error = new RunnerError(code, 'no', { isRetryable });
      const { tasks } = play(one, { attempt: failing(1, error), retry: { on } });
      expect(tasks[0]?.attempts).toBe(attempts);
    },
  );

  test('are three by default, and each is logged', () => {
    const error = new RunnerError('overloaded', 'no capacity');
    const { tasks, timeline, metrics } = play(one, { attempt: failing(9, error) });
    expect(tasks[0]).toMatchObject({ status: 'failed', attempts: 3 });
    expect(timeline.slice(2).map(({ type }) => type)).toEqual([
      'task_started',
      'task_retrying',
      'task_started',
      'task_retrying',
      'task_started',
      'task_failed',
      'run_failed',
    ]);
    expect(metrics).toMatchObject({ attempts: 3, totalWorkMs: 30, failedTasks: 1 });
  });

  test('use the policy of the task, then of the plan, then of the run', () => {
    const error = new RunnerError('refused', 'no');
    const attemptsWith = (
      task: Partial<Task>,
      plan: Partial<Plan>,
      run: Partial<SimulateOptions>,
    ) =>
      play(
        { ...plan, goal: 'x', tasks: [{ id: 'a', description: 'x', ...task }] },
        { ...run, attempt: failing(99, error) },
      ).tasks[0]?.attempts;
    const retry = (maxAttempts: number) => ({ retry: { maxAttempts, on: ['refused' as const] } });
    expect(attemptsWith({}, {}, {})).toBe(1);
    expect(attemptsWith({}, {}, retry(2))).toBe(2);
    expect(attemptsWith({}, retry(3), retry(2))).toBe(3);
    expect(attemptsWith(retry(4), retry(3), retry(2))).toBe(4);
  });

  test('wait as long as the server asked, however long that is, if they may', () => {
    const hours = 2 * 60 * 60 * 1_000;
    const error = new RunnerError('rate_limited', 'later', { retryAfterMs: hours });
    const retry = { maxRetryAfterMs: hours };
    const { timeline, status } = play(one, { attempt: failing(1, error), retry });
    expect(status).toBe('completed');
    expect(starts(timeline)).toEqual([0, 10 + hours]);
  });

  test('that could not start before the deadline are not awaited: the task fails at once', () => {
    const error = new RunnerError('rate_limited', 'later', { retryAfterMs: 5_000 });
    const result = play(one, { attempt: failing(1, error), deadlineMs: 4_000 });
    expect(result.error?.code).toBe('run_failed');
    expect(result.metrics.executionTimeMs).toBe(10);
    expect(play(one, { attempt: failing(1, error), deadlineMs: 6_000 }).status).toBe('completed');
  });

  test('wait evenly distributed delays up to the backoff, the same for the same seed', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 1, max: 8 }),
        fc.string(),
        (seed, attempt, taskId) => {
          const policy = { maxAttempts: 9, initialDelayMs: 100, maxDelayMs: 1_000, factor: 3 };
          const failed = { taskId, attempt, code: 'timeout', retryAfterMs: undefined } as const;
          const delay = retryDelay(policy, failed, seed) as number;
          expect(delay).toBeGreaterThanOrEqual(0);
          expect(delay).toBeLessThan(Math.min(1_000, 100 * 3 ** (attempt - 1)));
          expect(retryDelay(policy, failed, seed)).toBe(delay);
        },
      ),
    );
    const draws = Array.from({ length: 2_000 }, (_, n) => {
      const failed = { taskId: `t${n}`, attempt: 1, code: 'timeout', retryAfterMs: 0 } as const;
      return retryDelay({ initialDelayMs: 100 }, failed, 1) as number;
    });
    const mean = draws.reduce((sum, delay) => sum + delay, 0) / draws.length;
    expect(mean).toBeGreaterThan(46);
    expect(mean).toBeLessThan(54);
    expect(Math.min(...draws)).toBeLessThan(2);
    expect(Math.max(...draws)).toBeGreaterThan(98);
  });

  test('that exceed their timeout are aborted and retried', () => {
    const plan: Plan = { ...one, timeoutMs: 50 };
    const { tasks, timeline } = play(plan, {
      retry: { initialDelayMs: 0 },
      attempt: (_, attempt) => ({ durationMs: attempt < 3 ? Number.POSITIVE_INFINITY : 20 }),
    });
    expect(tasks[0]).toMatchObject({ status: 'completed', attempts: 3 });
    const [first] = timeline.filter((event) => event.type === 'task_retrying');
    expect(first).toMatchObject({
      durationMs: 50,
      error: { code: 'timeout', message: expect.stringContaining('timeout of 50 ms') },
    });
  });

  test('know the time that they have left, and are aborted when it has passed', async () => {
    const reasons: unknown[] = [];
    const tasks: Task[] = [
      {
        id: 'a',
        timeoutMs: 20,
        async run(_, { signal, remainingMs, attempt }) {
          expect(remainingMs).toBeLessThanOrEqual(20);
          if (attempt === 2) return 'second';
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          reasons.push(signal.reason);
          return 'too late';
        },
      },
      { id: 'b', run: () => new Promise((resolve) => setTimeout(resolve, 100)) },
    ];
    const executor = createExecutor({ strategy: inOrder, retry: { initialDelayMs: 0 } });
    const { outputs, tasks: results } = await executor.execute({ goal: 'x', tasks });
    expect(outputs.a).toBe('second');
    expect(results[0]?.attempts).toBe(2);
    expect(reasons).toMatchObject([{ code: 'timeout' }]);
  });
});

describe('a budget', () => {
  const batch = (count: number, task: Partial<Task> = {}): Plan => ({
    goal: 'x',
    tasks: Array.from({ length: count }, (_, n) => ({ id: `${n}`, description: 'x', ...task })),
  });
  const using = (tokens: number, more = {}): SimulateOptions['attempt'] => {
    return () => ({ durationMs: 10, usage: { inputTokens: tokens, outputTokens: 0 }, ...more });
  };

  test('of tasks counts tasks, not attempts', () => {
    const error = new RunnerError('timeout', 'no');
    const last = { id: 'last', description: 'x', dependencies: ['0', '1', '2'] };
    const plan = { goal: 'x', tasks: [...batch(3).tasks, last] };
    const options = { attempt: failing(1, error) };
    const { metrics, error: end } = play(plan, { ...options, budget: { tasks: 3 } });
    expect(metrics).toMatchObject({ completedTasks: 3, attempts: 6, skippedTasks: 1 });
    expect(end).toMatchObject({
      code: 'budget_exceeded',
      message:
        'The run was stopped before task "last": its budget of 3 for tasks has 3 used, and the task was expected to add 1',
    });
    expect(play(plan, { ...options, budget: { tasks: 4 } }).status).toBe('completed');
  });

  test('of tokens reserves the estimates of tasks, however many run at once', () => {
    const plan = batch(50, { estimate: { tokens: 10 } });
    const { metrics, timeline } = play(plan, { budget: { tokens: 105 }, attempt: using(10) });
    expect(metrics.usage.inputTokens).toBe(100);
    expect(metrics.peakConcurrency).toBe(10);
    expect(timeline.find(({ type }) => type === 'budget_exceeded')).toMatchObject({
      taskId: '10',
      budget: 'tokens',
      limit: 105,
      used: 100,
      requested: 10,
    });
  });

  test('of tokens releases unused reservations', () => {
    const plan = batch(20, { estimate: { tokens: 50 } });
    const { status, metrics } = play(plan, { budget: { tokens: 100 }, attempt: using(2) });
    expect(status).toBe('completed');
    expect(metrics.peakConcurrency).toBe(2);
  });

  test('of tokens uses the average for tasks without an estimate', () => {
    const { metrics } = play(batch(20), {
      budget: { tokens: 55 },
      maxParallel: 1,
      attempt: using(10),
    });
    expect(metrics.usage.inputTokens).toBe(50);
  });

  test('of time starts no task that would end too late, and aborts none', () => {
    const plan = batch(20, { estimate: { durationMs: 10 } });
    const { metrics, error } = play(plan, { budget: { wallTimeMs: 45 }, maxParallel: 1 });
    expect(metrics).toMatchObject({ completedTasks: 4, canceledTasks: 0, executionTimeMs: 40 });
    expect(error?.code).toBe('budget_exceeded');
  });

  test('of dollars requires prices, and stops when one is unknown', () => {
    const prices = { m: { inputPerMillion: 1_000_000, outputPerMillion: 0 } };
    const options = { budget: { costUsd: 3.5 }, maxParallel: 1, prices };
    const known = play(batch(9), { ...options, attempt: using(1, { model: 'm-2026-01-31' }) });
    expect(known.metrics).toMatchObject({ costUsd: 3, completedTasks: 3 });
    const unknown = play(batch(9), { ...options, attempt: using(1, { model: 'other' }) });
    expect(unknown.metrics).toMatchObject({ costUsd: null, completedTasks: 1 });
    expect(unknown.error?.message).toContain('tokens were used whose price is unknown');
  });

  test('of the plan and of the run both apply', () => {
    const plan = { ...batch(9), budget: { tasks: 5, tokens: 1_000 } };
    expect(play(plan, { budget: { tasks: 2 } }).metrics.completedTasks).toBe(2);
    expect(play(plan, { budget: { tasks: 7 } }).metrics.completedTasks).toBe(5);
  });

  test('counts the usage of failed attempts', () => {
    const usage = { inputTokens: 40, outputTokens: 0 };
    const error = new RunnerError('timeout', 'no', { usage });
    const { metrics, error: end } = play(batch(9), {
      budget: { tokens: 100 },
      maxParallel: 1,
      attempt: () => ({ durationMs: 1, error }),
    });
    expect(end?.code).toBe('budget_exceeded');
    expect(metrics.usage.inputTokens).toBeLessThanOrEqual(120);
  });
});

describe('a price', () => {
  const prices = {
    m: { inputPerMillion: 2, outputPerMillion: 8, cachedInputPerMillion: 0.5 },
    'm-2026-01-31': { inputPerMillion: 1, outputPerMillion: 1 },
  };
  const usage = { inputTokens: 1_000_000, outputTokens: 500_000, cachedInputTokens: 400_000 };

  test.each([
    ['m', 0.6 * 2 + 0.4 * 0.5 + 4],
    ['m-20270101', 0.6 * 2 + 0.4 * 0.5 + 4],
    ['m-2026-01-31', 1.5],
    ['m-mini', undefined],
    ['constructor', undefined],
    [undefined, undefined],
  ])('of %s is known or not, never guessed', (model, cost) => {
    const found = costOf(usage, model, prices);
    if (cost === undefined) expect(found).toBeUndefined();
    else expect(found).toBeCloseTo(cost, 10);
  });

  test('of the user overrides the cost that the runner reports', () => {
    const attempt = () => ({ durationMs: 1, usage, model: 'm-2026-01-31', costUsd: 99 });
    expect(play(one, { attempt, prices }).metrics.costUsd).toBe(1.5);
    expect(play(one, { attempt }).metrics.costUsd).toBe(99);
  });
});

describe('a goal', () => {
  const searches = (goal: Partial<Plan>): Plan => ({
    goal: 'x',
    tasks: Array.from({ length: 8 }, (_, n) => ({ id: `s${n}`, description: 'x' })),
    ...goal,
  });
  const finding: SimulateOptions['attempt'] = ({ id }) => ({
    durationMs: 10 + Number(id.slice(1)),
    output: { papers: [id], score: Number(id.slice(1)) },
  });
  const papers = { count: 'outputs.*.papers', operator: '>=', value: 3 } as const;

  test('that is achieved skips pending tasks and completes the plan', () => {
    const plan = searches({ goalState: { criteria: [papers] } });
    const { status, metrics, tasks, timeline } = play(plan, { attempt: finding, maxParallel: 2 });
    expect(status).toBe('completed');
    // The third is found while a fourth is in flight, which continues to its end.
    expect(metrics).toMatchObject({ completedTasks: 4, skippedTasks: 4, canceledTasks: 0 });
    expect(tasks[7]).toMatchObject({ status: 'skipped', reason: 'goal_achieved' });
    const checks = timeline.flatMap((event) =>
      event.type === 'goal_checked' ? [[event.progress, event.criteria[0]?.actual]] : [],
    );
    expect(checks).toEqual([
      [0, 1],
      [0, 2],
      [1, 3],
    ]);
  });

  test('may abort attempts in flight', () => {
    const plan = searches({ goalState: { criteria: [papers], whenAchieved: 'abort' } });
    const { status, metrics, tasks } = play(plan, { attempt: finding, maxParallel: 2 });
    expect(status).toBe('completed');
    expect(metrics).toMatchObject({ completedTasks: 3, canceledTasks: 1, skippedTasks: 4 });
    expect(tasks.find((task) => task.status === 'canceled')?.reason).toBe('goal_achieved');
  });

  test('is checked at an interval and at the end', () => {
    const plan = searches({ goalState: { criteria: [papers] }, goalCheckInterval: 5 });
    const { metrics } = play(plan, { attempt: finding, maxParallel: 1 });
    expect(metrics.completedTasks).toBe(5);
    const rarely = searches({ goalState: { criteria: [papers] }, goalCheckInterval: 100 });
    const { timeline, status } = play(rarely, { attempt: finding });
    expect(status).toBe('completed');
    expect(timeline.filter(({ type }) => type === 'goal_checked')).toHaveLength(1);
  });

  test('that is not achieved at the end fails the plan, and lists the unmet criteria', () => {
    const criteria = [
      { ...papers, value: 9 },
      { name: 'a good one', path: 'outputs.s7.score', operator: '>', value: 7 },
      { path: 'outputs.s7.papers[0]', operator: 'matches', value: '^s\\d$' },
    ] as const;
    const { error, goalProgress } = play(searches({ goalState: { criteria } }), {
      attempt: finding,
    });
    expect(error).toMatchObject({
      code: 'goal_not_achieved',
      message:
        'All tasks have ended, but the goal is not achieved: count of outputs.*.papers >= 9 (it is 8); a good one (it is 7)',
    });
    expect(goalProgress?.progress).toBeCloseTo(1 / 3);
    expect(goalProgress?.criteria.map(({ met }) => met)).toEqual([false, false, true]);
  });

  test('weighs its criteria, and may have a threshold', () => {
    const criteria = [
      { ...papers, weight: 3 },
      { path: 'metrics.failedTasks', operator: '>', value: 0 },
    ] as const;
    const { status, timeline } = play(searches({ goalState: { criteria, threshold: 0.75 } }), {
      attempt: finding,
    });
    expect(status).toBe('completed');
    expect(timeline.find(({ type }) => type === 'goal_achieved')).toMatchObject({ progress: 0.75 });
  });

  test.each([
    ['completedTasks', 8],
    ['failedTasks', 0],
    ['skippedTasks', 0],
    ['totalTasks', 8],
    ['attempts', 8],
    ['inputTokens', 16],
    ['outputTokens', 8],
    ['totalTokens', 24],
    ['costUsd', 4],
    ['executionTimeMs', 10],
    ['successRate', 1],
  ] as const)('may look at metrics.%s', (metric, value) => {
    const goalState = {
      criteria: [{ path: `metrics.${metric}`, operator: '==', value }],
    } as const;
    const attempt = () => ({
      durationMs: 10,
      usage: { inputTokens: 2, outputTokens: 1 },
      costUsd: 0.5,
    });
    const { status, error } = play(searches({ goalState, goalCheckInterval: 100 }), { attempt });
    expect(status, error?.message).toBe('completed');
  });

  test('may be achieved although tasks failed', () => {
    const plan = searches({ goalState: { criteria: [papers] }, goalCheckInterval: 100 });
    const { status } = play(plan, {
      attempt: (task, attempt, inputs) => ({
        ...finding(task, attempt, inputs),
        ...(task.id === 's0' && { error: new Error('no') }),
      }),
    });
    expect(status).toBe('completed');
  });
});
