import type { RunQueue } from '@stratagem/core/journal';
import fc from 'fast-check';
import { expect, vi } from 'vitest';
import { all, completed, newRun, queued } from './events.js';
import { startProxy, type TestProxy } from './proxy.js';

/** A store as these cases see it. Each has data that nobody has used. */
export interface ConnectionStore {
  /** The URL of the server. */
  readonly url: string;
  /** Opens the data over this URL, which leads through a proxy. */
  open(
    url: string,
    options?: { readonly reconnectMs?: number; readonly leaseMs?: number },
  ): RunQueue;
  /** Takes the lease of the run "a" away from its writer. */
  takeOver(): Promise<unknown>;
  /** When the lease of the run "a" ends. */
  leaseUntil(): Promise<number>;
  /** Texts that only these calls send. */
  readonly texts: Readonly<Record<'append' | 'submit' | 'claim' | 'create' | 'open', string>>;
}

/** What a journal on a server must do when connections break off at any moment. */
export const CONNECTION_CASES: Readonly<Record<string, (store: ConnectionStore) => Promise<void>>> =
  {
    'an append that may not have arrived is stored once': (store) =>
      appendOnce(store, (proxy) => proxy.cutBefore(store.texts.append)),

    'an append whose answer was lost is stored once': (store) =>
      appendOnce(store, (proxy) => proxy.cutAfter(store.texts.append)),

    async 'an append fails when the run was taken over meanwhile, whether it was stored or not'(
      store,
    ) {
      await using proxy = await startProxy(store.url);
      await using journal = store.open(proxy.url);
      const run = await journal.create(newRun('a'));
      proxy.cutBefore(store.texts.append, () => store.takeOver());
      const appended = run.append([completed(0, 'x')]);
      await expect(appended).rejects.toMatchObject({ code: 'run_locked', runId: 'a' });
      expect(await all(journal, 'a')).toEqual([]);
    },

    async 'a run is submitted once, and claimed once'(store) {
      await using proxy = await startProxy(store.url);
      await using queue = store.open(proxy.url);
      await queue.list();
      proxy.cutAfter(store.texts.submit);
      await queue.submit(queued('a'));
      proxy.cutBefore(store.texts.submit);
      await queue.submit(queued('b'));
      proxy.cutAfter(store.texts.claim);
      expect((await queue.claim())?.run.id).toBe('a');
      proxy.cutBefore(store.texts.claim);
      expect((await queue.claim())?.run.id).toBe('b');
      expect(await queue.claim()).toBeUndefined();
    },

    async 'creating and opening a run take its lease once'(store) {
      await using proxy = await startProxy(store.url);
      await using journal = store.open(proxy.url);
      await (await journal.create(newRun('other'))).close();
      proxy.cutAfter(store.texts.create);
      const run = await journal.create(newRun('a'));
      await run.append([completed(0, 'x')]);
      await run.close();
      proxy.cutAfter(store.texts.open);
      const again = await journal.open('a');
      await again.append([completed(1, 'y')]);
      expect(await all(journal, 'a')).toEqual([completed(0, 'x'), completed(1, 'y')]);
    },

    async 'announcements arrive again once it is connected again'(store) {
      await using proxy = await startProxy(store.url);
      await using queue = store.open(proxy.url);
      let wake = () => {};
      const next = () =>
        new Promise<void>((resolve) => {
          wake = resolve;
        });
      let called = next();
      queue.onQueued(() => wake());
      await called;
      called = next();
      proxy.cut();
      // It cannot know what it has missed.
      await called;
      called = next();
      await queue.submit(queued('a'));
      await called;
    },

    async 'leases outlive connections that the network has lost silently'(store) {
      await using proxy = await startProxy(store.url);
      await using owner = store.open(proxy.url, { leaseMs: 400 });
      await owner.submit(queued('a'));
      expect((await owner.claim())?.run.id).toBe('a');
      // Several connections are idle then.
      await Promise.all([1, 2, 3, 4].map(() => owner.list()));
      proxy.stall();
      const before = await store.leaseUntil();
      // Each statement over the old connections would be given up after half a minute.
      const isRenewed = async () => expect(await store.leaseUntil()).toBeGreaterThan(before);
      await vi.waitFor(isRenewed, { timeout: 25_000 });
    },

    async 'leases outlive statements that the network has lost with all connections'(store) {
      await using proxy = await startProxy(store.url);
      await using owner = store.open(proxy.url, { leaseMs: 1_000 });
      await owner.submit(queued('a'));
      expect((await owner.claim())?.run.id).toBe('a');
      // As many connections as there may be.
      await Promise.all([1, 2, 3, 4].map(() => owner.list()));
      proxy.stall();
      const before = await store.leaseUntil();
      // Each waits for its answer, or for a connection.
      const lost = Array.from({ length: 6 }, () => owner.list().catch(() => []));
      const isRenewed = async () => expect(await store.leaseUntil()).toBeGreaterThan(before);
      await vi.waitFor(isRenewed, { timeout: 25_000 });
      proxy.cut();
      await Promise.all(lost);
    },

    async 'a server that cannot be reached again ends the append with an error'(store) {
      const proxy = await startProxy(store.url);
      await using journal = store.open(proxy.url, { reconnectMs: 50 });
      const run = await journal.create(newRun('a'));
      await proxy[Symbol.asyncDispose]();
      const appended = run.append([completed(0, 'x')]);
      await expect(appended).rejects.toMatchObject({
        code: 'journal_failed',
        message: expect.stringContaining('cannot be reached'),
      });
    },
  };

async function appendOnce(store: ConnectionStore, cut: (proxy: TestProxy) => void): Promise<void> {
  await using proxy = await startProxy(store.url);
  await using journal = store.open(proxy.url);
  const run = await journal.create(newRun('a'));
  await run.append([completed(0, 'x')]);
  cut(proxy);
  const events = [completed(1, 'y'), completed(2, 'z')];
  await run.append(events);
  await run.append([completed(3, 'end')]);
  expect(await all(journal, 'a')).toEqual([completed(0, 'x'), ...events, completed(3, 'end')]);
}

/** Every acknowledged event is stored once and in order, wherever connections break off. */
export async function checkBrokenConnections(create: () => ConnectionStore): Promise<void> {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 12 }),
      async (gaps) => {
        const store = create();
        await using proxy = await startProxy(store.url);
        await using journal = store.open(proxy.url);
        const runs = await Promise.all(['a', 'b', 'c'].map((id) => journal.create(newRun(id))));
        // After so many messages, one connection breaks off.
        const left = [...gaps];
        let count = 0;
        proxy.cutWhen(() => {
          if (left.length === 0 || ++count < (left[0] as number)) return false;
          count = 0;
          left.shift();
          return true;
        });
        const write = async (run: (typeof runs)[number]) => {
          for (let n = 0; n < 10; n++) await run.append([completed(n, `${n}`)]);
        };
        await Promise.all(runs.map(write));
        const expected = Array.from({ length: 10 }, (_, n) => completed(n, `${n}`));
        for (const id of ['a', 'b', 'c']) expect(await all(journal, id)).toEqual(expected);
      },
    ),
    { numRuns: 5 },
  );
}
