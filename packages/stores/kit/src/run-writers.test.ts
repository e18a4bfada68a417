import type { EventData } from '@stratagem/core';
import { newListing } from '@stratagem/core/journal';
import { expect, test } from 'vitest';
import { type Append, type HeldLease, type RunStore, RunWriters } from './index.js';

const event = (sequence: number): EventData => ({ type: 'task_started', sequence, timestamp: 0 });
const taken = (id: string, run: number) => ({
  ...{ run, token: 1, events: 0 },
  summary: newListing({ id, goal: 'x', createdAt: 0 }),
});

function storeOf(append: RunStore['append']) {
  const released: (HeldLease & { readonly postponeMs: number | undefined })[] = [];
  const store: RunStore = {
    ...{ leaseMs: 1_000, isOpen: true, append },
    concernsAll: (error) => (error as Error).message === 'no connection',
    async renew() {},
    async release(lease, postponeMs) {
      released.push({ ...lease, postponeMs });
    },
  };
  return { writers: new RunWriters(store), released };
}

const positionsOf = (batch: readonly Append[]) =>
  batch.map(({ runId, first, records }) => `${runId} ${first}+${records.length}`);

test('runs that append together share one call, and two calls are under way at most', async () => {
  const calls: { readonly batch: readonly Append[]; readonly end: () => void }[] = [];
  const { writers } = storeOf(
    (batch) =>
      new Promise((resolve) => {
        calls.push({ batch, end: () => resolve(batch.map(() => true)) });
      }),
  );
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((id, run) => writers.open(taken(id, run)));
  const first = [a?.append([event(0), event(1)]), b?.append([event(0)])];
  await null;
  const second = c?.append([event(0)]);
  await null;
  const third = d?.append([event(0)]);
  await null;
  expect(calls.map(({ batch }) => positionsOf(batch))).toEqual([['a 0+2', 'b 0+1'], ['c 0+1']]);
  calls[0]?.end();
  await Promise.all(first);
  const fourth = a?.append([event(2)]);
  await null;
  calls[1]?.end();
  await second;
  for (const call of calls.slice(2)) call.end();
  await third;
  for (const call of calls) call.end();
  await fourth;
  expect(calls.flatMap(({ batch }) => positionsOf(batch)).slice(3)).toEqual(['d 0+1', 'a 2+1']);
  await writers.close();
});

test('a value that the store refuses ends its run alone; a lost connection ends all', async () => {
  let fault = 'too large';
  const { writers } = storeOf(async (batch) => {
    if (batch.some(({ runId }) => runId === 'bad')) throw new Error(fault);
    return batch.map(() => true);
  });
  const [good, bad] = ['good', 'bad'].map((id, run) => writers.open(taken(id, run)));
  const refused = await Promise.allSettled([good?.append([event(0)]), bad?.append([event(0)])]);
  expect(refused.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  fault = 'no connection';
  const lost = await Promise.allSettled([good?.append([event(1)]), bad?.append([event(0)])]);
  expect(lost.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await writers.close();
});

test('an append without the lease is refused, and each lease is released once', async () => {
  const { writers, released } = storeOf(async (batch) =>
    batch.map(({ runId }) => runId !== 'lost'),
  );
  const [kept, lost] = ['kept', 'lost'].map((id, run) => writers.open(taken(id, run)));
  await kept?.append([event(0)]);
  await expect(lost?.append([event(0)])).rejects.toMatchObject({ code: 'run_locked' });
  await kept?.release(50);
  await kept?.close();
  await writers.close();
  expect(released).toEqual([
    { runId: 'kept', run: 0, token: 1, postponeMs: 50 },
    { runId: 'lost', run: 1, token: 1, postponeMs: undefined },
  ]);
});
