import { type ClaimedRun, memoryRunQueue, type RunQueue } from '@stratagem/core/journal';
import fc from 'fast-check';
import { expect } from 'vitest';
import { queued } from './events.js';

const HOUR_MS = 3_600_000;

/** What coordinators and programs do with a queue. A number chooses one of the claimed runs. */
const step = fc.oneof(
  fc.record({ kind: fc.constant('submit' as const), tenant: fc.constantFrom('', 'a', 'b', 'c d') }),
  fc.record({ kind: fc.constant('claim' as const) }),
  fc.record({
    kind: fc.constantFrom('begin', 'end', 'release', 'postpone', 'delay') as fc.Arbitrary<
      'begin' | 'end' | 'release' | 'postpone' | 'delay'
    >,
    which: fc.nat(20),
  }),
);

type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

/** A queue on a server gives the same runs to its coordinators as the one in memory does. */
export async function checkQueue(create: () => RunQueue): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 50 }), async (steps) => {
      await using queue = create();
      expect(await claimsOf(queue, steps)).toEqual(await claimsOf(memoryRunQueue(), steps));
    }),
    { numRuns: 12 },
  );
}

/** The ids of the claimed runs, in order, and the runs that the queue has in the end. */
async function claimsOf(queue: RunQueue, steps: readonly Step[]): Promise<readonly unknown[]> {
  const claims: unknown[] = [];
  const held: ClaimedRun[] = [];
  let count = 0;
  for (const each of steps) {
    if (each.kind === 'submit') await queue.submit(queued(`run-${count++}`, each.tenant));
    else if (each.kind === 'claim') {
      const claimed = await queue.claim();
      claims.push(claimed?.run.id);
      if (claimed !== undefined) held.push(claimed);
    } else if (held.length > 0) await act(each.kind, held, each.which % held.length);
  }
  const listed = (await queue.list()).map(({ id, status }) => `${id} ${status}`);
  return [...claims, ...listed.sort()];
}

async function act(kind: Step['kind'], held: ClaimedRun[], index: number): Promise<void> {
  const claimed = held[index] as ClaimedRun;
  const { opened } = claimed;
  const at = { sequence: 0, timestamp: 1_000 };
  const started = { ...at, type: 'run_started' as const, plan: { goal: 'x' }, taskCount: 1 };
  if (kind === 'begin') return opened.append([started]);
  held.splice(index, 1);
  if (kind === 'end') await opened.append([started, { ...at, type: 'run_completed' }]);
  if (kind === 'postpone') await claimed.postpone(HOUR_MS);
  else if (kind === 'delay') await claimed.postpone(0);
  else await opened.close();
}
