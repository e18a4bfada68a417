import { spawnSync } from 'node:child_process';
import { all, completed, newRun, queued } from '@stratagem/server-kit/events';
import { machine } from '@stratagem/store-kit';
import { describe, expect, test, vi } from 'vitest';
import { command, newPrefix, url } from '../test/prefixes.js';
import { redisJournal } from './redis-journal.js';

/** Lets a lease look as if it had not been renewed. */
async function expire(prefix: string, runId = 'a'): Promise<void> {
  const past = Date.now() - 1_000;
  await command('HSET', `{${prefix}}:run:${runId}`, 'lease_ms', 1, 'lease_until', past);
  await command('ZADD', `{${prefix}}:held`, 'XX', past, runId);
}

describe.skipIf(url === undefined)('a lease', () => {
  test('that was not renewed is taken over, and its writer can write nothing more', async () => {
    const prefix = newPrefix();
    await using one = redisJournal({ url, prefix });
    await using two = redisJournal({ url, prefix });
    await one.submit(queued('a'));
    const first = (await one.claim())?.opened;
    await first?.append([completed(0, 'x')]);
    expect(await two.claim()).toBeUndefined();
    await expire(prefix);
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
  });

  test('that has expired still counts for its writer while nobody has taken it', async () => {
    const prefix = newPrefix();
    await using journal = redisJournal({ url, prefix });
    await journal.submit(queued('a'));
    const run = (await journal.claim())?.opened;
    await expire(prefix);
    await command('HSET', `{${prefix}}:run:a`, 'lease_ms', 60_000);
    await run?.append([completed(0, 'x')]);
    expect(await all(journal, 'a')).toEqual([completed(0, 'x')]);
    expect(await journal.claim()).toBeUndefined();
  });

  test('is renewed without appends', async () => {
    const prefix = newPrefix();
    await using journal = redisJournal({ url, prefix, leaseMs: 100 });
    await journal.create(newRun('a'));
    const until = async () => Number(await command('HGET', `{${prefix}}:run:a`, 'lease_until'));
    const before = await until();
    await vi.waitFor(async () => expect(await until()).toBeGreaterThan(before));
  });

  test('of a process of this machine that has ended is free at once', async () => {
    const prefix = newPrefix();
    await using journal = redisJournal({ url, prefix });
    const run = await journal.create(newRun('a'));
    await run.append([completed(0, 'x')]);
    await expect(journal.open('a')).rejects.toThrow(/is running in process \d+\. If that process/);
    const { pid } = spawnSync('true');
    const setOwner = (owner: unknown[]) =>
      command('HSET', `{${prefix}}:run:a`, 'owner', JSON.stringify(owner));
    await setOwner(['elsewhere x y', pid, '1']);
    await expect(journal.open('a')).rejects.toThrow(`in process ${pid} on elsewhere`);
    await setOwner([machine, pid, '1']);
    const again = await journal.open('a');
    expect(again.events).toEqual([completed(0, 'x')]);
    await expect(run.append([completed(1, 'lost')])).rejects.toMatchObject({ code: 'run_locked' });
  });

  test('of a process that has ended does not keep a run that never started', async () => {
    const prefix = newPrefix();
    await using journal = redisJournal({ url, prefix });
    await journal.create(newRun('a'));
    const { pid } = spawnSync('true');
    await command('HSET', `{${prefix}}:run:a`, 'owner', JSON.stringify([machine, pid, '']));
    const run = await journal.create(newRun('a'));
    await run.append([completed(0, 'x')]);
    expect(await all(journal, 'a')).toEqual([completed(0, 'x')]);
  });

  test('counts from the restart of the server on', async () => {
    const prefix = newPrefix();
    await using one = redisJournal({ url, prefix });
    await one.submit(queued('a'));
    await one.claim();
    // As after a restart: the lease has expired meanwhile, and the keys are those of another start.
    const past = Date.now() - 1_000;
    await command('HSET', `{${prefix}}:run:a`, 'lease_until', past);
    await command('ZADD', `{${prefix}}:held`, 'XX', past, 'a');
    await command('SET', `{${prefix}}:server`, 'the start before');
    await using two = redisJournal({ url, prefix });
    expect(await two.claim()).toBeUndefined();
    expect((await two.list())[0]?.status).toBe('created');
    await command('SET', `{${prefix}}:started`, Date.now() - 60_000);
    expect((await two.claim())?.run.id).toBe('a');
  });
});
