import {
  batch,
  concurrencyKnee,
  fixedLatency,
  fixedWindows,
  lognormalLatency,
  mixed,
  overload,
  randomLayers,
  rateLimited,
  type ServerModel,
  simulateOn,
  type Workload,
} from '@stratagem/simulation';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { adaptive } from './index.js';

const servers: fc.Arbitrary<ServerModel> = fc.oneof(
  fc.constant(fixedLatency()),
  fc.double({ min: 0, max: 2, noNaN: true }).map((sigma) => lognormalLatency({ sigma })),
  fc.integer({ min: 1, max: 64 }).map((knee) => concurrencyKnee({ knee })),
  fc
    .record({
      capacity: fc.integer({ min: 1, max: 64 }),
      kind: fc.constantFrom('rate_limited', 'server_error', 'timeout'),
    })
    .map((options) => overload(options)),
  fc
    .record({ requestsPerMinute: fc.integer({ min: 30, max: 6_000 }), announced: fc.boolean() })
    .map((options) => rateLimited(options)),
  fc
    .record({
      requests: fc.integer({ min: 1, max: 100 }),
      windowMs: fc.integer({ min: 1_000, max: 60_000 }),
      announced: fc.boolean(),
    })
    .map((options) => fixedWindows(options)),
);

const workloads: fc.Arbitrary<Workload> = fc.oneof(
  fc
    .record({ size: fc.integer({ min: 1, max: 150 }), sigma: fc.constantFrom(0, 0.3, 1.5) })
    .map(({ size, sigma }) => batch(size, { sigma, seed: 1 })),
  fc.nat(1_000).map((seed) => randomLayers(seed)),
  fc.nat(1_000).map((seed) => mixed(seed)),
);

test('every plan completes within its limits, and the next run can start from what was learned', () => {
  fc.assert(
    fc.property(
      servers,
      workloads,
      fc.constantFrom(1, 2, 5, 20, 128, Number.POSITIVE_INFINITY),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      fc.constantFrom(undefined, 1, 20),
      (server, { plan, demandOf }, maxParallel, adaptiveThreshold, tokensPerChunk) => {
        const run = (warmStart?: ReturnType<ReturnType<typeof adaptive>['learned']>) => {
          const strategy = adaptive({ maxParallel, adaptiveThreshold, warmStart });
          const result = simulateOn(plan, {
            ...{ server, strategy, demandOf, retry: { maxAttempts: 1_000 }, timeoutMs: 600_000 },
            ...(tokensPerChunk !== undefined && { tokensPerChunk }),
          });
          expect(result.status).toBe('completed');
          for (const event of result.timeline) {
            if (event.type !== 'strategy_switched') continue;
            expect(event.limit).toBeGreaterThanOrEqual(1);
            expect(event.limit).toBeLessThanOrEqual(Math.min(maxParallel, 8_192));
            for (const { probability } of event.explanations ?? []) {
              expect(probability).toBeGreaterThan(0);
              expect(probability).toBeLessThan(1);
            }
          }
          const learned = strategy.learned();
          expect(JSON.parse(JSON.stringify(learned))).toEqual(learned);
          for (const { limit, likely = [] } of Object.values(learned?.resources ?? {})) {
            expect(limit).toBeLessThanOrEqual(maxParallel);
            const total = likely.reduce((sum, { probability }) => sum + probability, 0);
            expect(total).toBeLessThan(1.01);
          }
          return learned;
        };
        run(JSON.parse(JSON.stringify(run())));
      },
    ),
    { numRuns: 12 },
  );
});
