import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inOrder } from '../../test/runs.js';
import { simulate } from '../simulate/simulate.js';

const plans = fc.record({
  size: fc.integer({ min: 1, max: 120 }),
  maxParallel: fc.constantFrom(1, 4, 16, 64, Number.POSITIVE_INFINITY),
  /** What each task uses. */
  tokens: fc.integer({ min: 1, max: 2_000 }),
  limit: fc.integer({ min: 1, max: 40_000 }),
  /** Whether tasks say what they use. */
  estimated: fc.constantFrom('none', 'some', 'all'),
  failures: fc.nat(3),
});

test('a run never exceeds its budget by more than one task, however many are in flight', () => {
  let stopped = 0;
  let parallel = 0;
  fc.assert(
    fc.property(plans, ({ size, maxParallel, tokens, limit, estimated, failures }) => {
      const tasks = Array.from({ length: size }, (_, index) => ({
        id: `task-${index}`,
        description: 'x',
        ...((estimated === 'all' || (estimated === 'some' && index % 2 === 0)) && {
          estimate: { tokens },
        }),
      }));
      const result = simulate(
        { goal: 'x', tasks, budget: { tokens: limit } },
        {
          strategy: inOrder,
          maxParallel,
          attempt: ({ id }) => ({
            durationMs: 10 + (Number(id.slice(5)) % 3),
            // Says nothing of what it used.
            ...(Number(id.slice(5)) < failures && { error: new Error('no') }),
            usage: { inputTokens: tokens, outputTokens: 0 },
          }),
        },
      );
      const { usage, peakConcurrency } = result.metrics;
      expect(usage.inputTokens).toBeLessThan(limit + tokens);
      if (result.error?.code === 'budget_exceeded') {
        stopped++;
        expect(usage.inputTokens + tokens).toBeGreaterThan(limit);
      }
      if (peakConcurrency > 8) parallel++;
    }),
    { numRuns: 500 },
  );
  expect(stopped).toBeGreaterThan(50);
  expect(parallel).toBeGreaterThan(50);
});
