import { createExecutor, type TaskRunner } from '@stratagem/core';
import { runnerConformance } from '@stratagem/core/testing';
import { simulated } from '@stratagem/simulated';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { inOrder } from '../../test/attempt.js';
import { failure, scripted } from '../../test/scripted.js';
import { fallback } from './fallback.js';

describe('a fallback', () => {
  const failing = () => fallback(scripted('a', failure('overloaded')), scripted('b', Error('no')));
  const create = () => fallback(scripted('a', failure('overloaded')), simulated({ latencyMs: 1 }));
  const hanging = () => fallback(simulated({ latencyMs: 1e6 }), simulated());
  const cases = runnerConformance(() => fallback(simulated({ latencyMs: 1 }), simulated()), {
    failing,
    hanging,
  });
  for (const { name, run } of cases) test(name, run);

  describe('that has switched to the second runner', () => {
    for (const { name, run } of runnerConformance(create)) test(name, run);
  });
});

describe('the total number of tries of a task is bounded:', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** Each of these makes its runners of leaves that fail, which it takes one by one. */
  const nestings: Record<string, (leaf: () => TaskRunner) => TaskRunner> = {
    'one runner': (leaf) => fallback(leaf()),
    'two runners': (leaf) => fallback(leaf(), leaf()),
    'five runners': (leaf) => fallback(leaf(), leaf(), leaf(), leaf(), leaf()),
    'two of two': (leaf) => fallback(fallback(leaf(), leaf()), fallback(leaf(), leaf())),
    'one and four': (leaf) => fallback(leaf(), fallback(leaf(), leaf(), leaf(), leaf())),
    'three deep': (leaf) => fallback(fallback(fallback(leaf(), leaf()), leaf()), leaf()),
  };
  const leavesOf = (nesting: string) => {
    let count = 0;
    nestings[nesting]?.(() => scripted(`${count++}`));
    return count;
  };
  const table = Object.keys(nestings).flatMap((nesting) =>
    [1, 2, 3, 4, 5, 7, 10].map((maxAttempts) => ({
      nesting,
      maxAttempts,
      leaves: leavesOf(nesting),
      most: Math.max(maxAttempts, leavesOf(nesting)),
    })),
  );

  test.each(table)(
    '$nesting, at most $maxAttempts attempts: $most tries',
    async ({ nesting, maxAttempts, leaves, most }) => {
      const all: ReturnType<typeof scripted>[] = [];
      const runner = nestings[nesting]?.(() => {
        const leaf = scripted(`${all.length}`, failure('server_error'));
        all.push(leaf);
        return leaf;
      });
      const executor = createExecutor({ strategy: inOrder, runner, retry: { maxAttempts } });
      const run = executor.execute({ goal: 'x', tasks: [{ id: 'a', description: 'Why?' }] });
      await vi.advanceTimersByTimeAsync(600_000);
      const { status } = await run;
      expect(status).toBe('failed');
      const tries = all.map(({ contexts }) => contexts.length);
      expect(tries).toHaveLength(leaves);
      expect(tries.reduce((sum, count) => sum + count, 0)).toBe(most);
      // None was left out, as the first attempt tries them all.
      expect(Math.min(...tries)).toBeGreaterThanOrEqual(1);
    },
  );

  test('an output that does not match counts as a try of the last runner too', async () => {
    const [a, b] = [scripted('a', failure('timeout')), scripted('b', { output: 'no number' })];
    const outputSchema = {
      '~standard': {
        version: 1 as const,
        vendor: 'test',
        validate: () => ({ issues: [{ message: 'no number' }] }),
        jsonSchema: { output: () => ({ type: 'number' }) },
      },
    };
    const executor = createExecutor({
      strategy: inOrder,
      runner: fallback(a, b),
      retry: { maxAttempts: 3, on: ['invalid_output', 'timeout'] },
    });
    const tasks = [{ id: 'a', description: 'How many?', outputSchema }];
    const run = executor.execute({ goal: 'x', tasks });
    let status: string | undefined;
    run.result.then((result) => {
      status = result.status;
    });
    // Virtual time waits for a module that the first invalid output loads.
    while (status === undefined) await vi.advanceTimersToNextTimerAsync();
    expect(status).toBe('failed');
    expect(a.contexts.length + b.contexts.length).toBe(3);
  });
});

describe('in a run', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const tasks = Array.from({ length: 20 }, (_, index) => ({ id: `${index}`, description: 'Why?' }));

  test('a runner that hangs until the timeout of its tasks is skipped', async () => {
    const a = scripted('a', () => new Promise<never>(() => {}));
    const runner = fallback([a, scripted('b')], { failureThreshold: 3, resetTimeoutMs: 600_000 });
    const executor = createExecutor({ strategy: inOrder, runner, maxParallel: 1 });
    const run = executor.execute(
      { goal: 'x', tasks },
      { timeoutMs: 1_000, retry: { maxAttempts: 4 } },
    );
    await vi.advanceTimersByTimeAsync(600_000);
    expect((await run).status).toBe('completed');
    expect(a.contexts.length).toBe(3);
  });

  test('no task starts while all runners ask to wait, so no try is wasted', async () => {
    const limited = failure('rate_limited', { retryAfterMs: 10_000 });
    const [a, b] = [scripted('a', limited, { output: 1 }), scripted('b', limited, { output: 2 })];
    const executor = createExecutor({ strategy: inOrder, runner: fallback(a, b), maxParallel: 1 });
    const run = executor.execute({ goal: 'x', tasks });
    await vi.advanceTimersByTimeAsync(60_000);
    const { timeline, status } = await run;
    expect(status).toBe('completed');
    expect(timeline.filter(({ type }) => type === 'task_retrying')).toHaveLength(1);
    expect(timeline.find(({ type }) => type === 'resource_paused')).toMatchObject({
      resource: 'fallback(a, b)',
      pauseMs: 10_000,
    });
  });

  test('a rate limit of one runner pauses no task', async () => {
    const a = scripted('a', failure('rate_limited', { retryAfterMs: 10_000 }));
    const executor = createExecutor({ strategy: inOrder, runner: fallback(a, scripted('b')) });
    const run = executor.execute({ goal: 'x', tasks });
    await vi.advanceTimersByTimeAsync(0);
    const { timeline, status } = await run;
    expect(status).toBe('completed');
    expect(timeline.filter(({ type }) => type === 'resource_paused')).toEqual([]);
  });
});
