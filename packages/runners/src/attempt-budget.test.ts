import { createExecutor, type TaskRunner } from '@stratagem/core';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { inOrder } from '../test/attempt.js';
import { failure, pause } from '../test/scripted.js';
import { cache } from './cache/cache.js';
import { memoryStore } from './cache/cache-store.js';
import { warmPrefix } from './cache/warm-prefix.js';
import { balance } from './failover/balance.js';
import { fallback } from './failover/fallback.js';
import { hedge } from './failover/hedge.js';
import { route } from './failover/route.js';
import { rateLimit } from './limit/rate-limit.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Runners in runners; a leaf asks a server, which fails after some time. */
type Tree =
  | { readonly kind: 'leaf'; readonly latencyMs: number }
  | { readonly kind: 'fallback' | 'balance' | 'hedge'; readonly inside: readonly Tree[] }
  | { readonly kind: 'cache' | 'limit' | 'route' | 'warm'; readonly inside: readonly [Tree] };

const { tree } = fc.letrec<{ tree: Tree; leaf: Tree; several: Tree; one: Tree }>((tie) => ({
  tree: fc.oneof({ maxDepth: 3, withCrossShrink: true }, tie('leaf'), tie('several'), tie('one')),
  leaf: fc.record({ kind: fc.constant('leaf' as const), latencyMs: fc.constantFrom(1, 40) }),
  several: fc.record({
    kind: fc.constantFrom('fallback' as const, 'balance' as const, 'hedge' as const),
    inside: fc.array(tie('tree'), { minLength: 2, maxLength: 3 }),
  }),
  one: fc.record({
    kind: fc.constantFrom('cache' as const, 'limit' as const, 'route' as const, 'warm' as const),
    inside: fc.tuple(tie('tree')),
  }),
}));

/** @param ask Called with each request that reaches a server. */
function runnerOf(tree: Tree, ask: () => void): TaskRunner {
  if (tree.kind === 'leaf') {
    const { latencyMs } = tree;
    return {
      name: 'leaf',
      async run(_, { signal }) {
        ask();
        await pause(latencyMs, signal);
        throw failure('server_error');
      },
    };
  }
  const runners = tree.inside.map((each) => runnerOf(each, ask));
  const [first, second] = runners as [TaskRunner, TaskRunner];
  switch (tree.kind) {
    case 'fallback':
      return fallback(runners, { failureThreshold: Number.POSITIVE_INFINITY });
    case 'balance':
      return balance(runners, { failureThreshold: Number.POSITIVE_INFINITY });
    case 'hedge':
      return hedge(first, { afterMs: 20, to: second, maxExtraShare: 1 });
    case 'cache':
      return cache(first, memoryStore());
    case 'limit':
      return rateLimit(first, { requestsPerMinute: 60_000 });
    case 'route':
      return route({ by: () => 'a', routes: { a: first } });
    case 'warm':
      return warmPrefix(first, { prefixLength: 1 });
  }
}

/** The most servers that one attempt may have to ask. */
function widthOf(tree: Tree): number {
  if (tree.kind === 'leaf') return 1;
  const widths = tree.inside.map(widthOf);
  if (tree.kind === 'balance') return Math.max(...widths);
  const asked = tree.kind === 'hedge' ? widths.slice(0, 2) : widths;
  return asked.reduce((sum, width) => sum + width, 0);
}

test('the total number of tries is bounded for any nesting of wrappers', async () => {
  await fc.assert(
    fc.asyncProperty(tree, fc.integer({ min: 1, max: 6 }), async (tree, maxAttempts) => {
      let requests = 0;
      const runner = runnerOf(tree, () => requests++);
      const executor = createExecutor({ strategy: inOrder, runner, retry: { maxAttempts } });
      const run = executor.execute({ goal: 'x', tasks: [{ id: 'a', description: 'Why?' }] });
      await vi.advanceTimersByTimeAsync(600_000);
      expect((await run).status).toBe('failed');
      expect(requests).toBeLessThanOrEqual(Math.max(maxAttempts, widthOf(tree)));
    }),
    { numRuns: 200 },
  );
});
