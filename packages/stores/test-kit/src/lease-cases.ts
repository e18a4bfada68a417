import { spawnSync } from 'node:child_process';
import type { RunQueue } from '@stratagem/core/journal';
import { machine } from '@stratagem/store-kit';
import { expect } from 'vitest';
import { all, completed, newRun, queued } from './events.js';

/** A queue on a server as these cases see it: two of the same store, and what they do behind its back. */
export interface LeaseStore {
  /** Opens the same data once more, as another process would. */
  open(options?: { readonly leaseMs?: number }): RunQueue;
  /** Lets the lease of the run "a" look as if it had not been renewed. */
  expire(): Promise<unknown>;
  /** Makes another process the owner of the run "a". */
  setOwner(owner: string): Promise<unknown>;
  /** When the lease of the run "a" ends. */
  leaseUntil(): Promise<number>;
}

/** What leases on a server must do when their processes are slow, or have ended. */
export const LEASE_CASES: Readonly<Record<string, (store: LeaseStore) => Promise<void>>> = {
  async 'that was not renewed is taken over, and its writer can write nothing more'(store) {
    await using one = store.open();
    await using two = store.open();
    await one.submit(queued('a'));
    const first = (await one.claim())?.opened;
    await first?.append([completed(0, 'x')]);
    expect(await two.claim()).toBeUndefined();
    await store.expire();
    expect((await two.list())[0]?.status).toBe('interrupted');
    const second = (await two.claim())?.opened;
    expect(second?.events).toEqual([completed(0, 'x')]);
    await expect(first?.append([completed(1, 'lost')])).rejects.toMatchObject({
      code: 'run_locked',
      message: expect.stringContaining('was taken over by another process'),
    });
    // Its end does not release the lease of the other one.
    await first?.close();
    await expect(one.open('a')).rejects.toMatchObject({ code: 'run_locked' });
    await second?.append([completed(1, 'y')]);
    expect(await all(one, 'a')).toEqual([completed(0, 'x'), completed(1, 'y')]);
  },

  async 'that has expired still counts for its writer while nobody has taken it'(store) {
    await using queue = store.open();
    await queue.submit(queued('a'));
    const run = (await queue.claim())?.opened;
    await store.expire();
    await run?.append([completed(0, 'x')]);
    expect(await all(queue, 'a')).toEqual([completed(0, 'x')]);
  },

  async 'is renewed without appends'(store) {
    await using queue = store.open({ leaseMs: 100 });
    await queue.create(newRun('a'));
    const before = await store.leaseUntil();
    await expect.poll(() => store.leaseUntil()).toBeGreaterThan(before);
  },

  async 'of a process of this machine that has ended is free at once'(store) {
    await using queue = store.open();
    const run = await queue.create(newRun('a'));
    await run.append([completed(0, 'x')]);
    await expect(queue.open('a')).rejects.toThrow(/is running in process \d+\. If that process/);
    const { pid } = spawnSync('true');
    await store.setOwner(JSON.stringify(['elsewhere x y', pid, '1']));
    await expect(queue.open('a')).rejects.toThrow(`in process ${pid} on elsewhere`);
    await store.setOwner(JSON.stringify([machine, pid, '1']));
    const again = await queue.open('a');
    expect(again.events).toEqual([completed(0, 'x')]);
    await expect(run.append([completed(1, 'lost')])).rejects.toMatchObject({ code: 'run_locked' });
  },

  async 'of a process that has ended does not keep a run that never started'(store) {
    await using queue = store.open();
    await queue.create(newRun('a'));
    const { pid } = spawnSync('true');
    await store.setOwner(JSON.stringify([machine, pid, '']));
    const run = await queue.create(newRun('a'));
    await run.append([completed(0, 'x')]);
    expect(await all(queue, 'a')).toEqual([completed(0, 'x')]);
  },
};
