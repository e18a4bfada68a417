import { all, completed, newRun, queued } from '@stratagem/server-kit/events';
import { describe, expect, test } from 'vitest';
import { command, newPrefix, url } from '../test/prefixes.js';
import { redisJournal } from './redis-journal.js';

const keysOf = (prefix: string) => command('KEYS', `{${prefix}}*`);

describe.skipIf(url === undefined)('a journal in Redis', () => {
  test('leaves no keys by reading', async () => {
    const prefix = newPrefix();
    await using journal = redisJournal({ url, prefix });
    expect(await journal.list()).toEqual([]);
    expect(await journal.lookup('k')).toBeUndefined();
    expect(await journal.claim()).toBeUndefined();
    await expect(all(journal, 'a')).rejects.toMatchObject({ code: 'run_not_found' });
    await expect(journal.open('a')).rejects.toMatchObject({ code: 'run_not_found' });
    expect(await keysOf(prefix)).toEqual([]);
  });

  test('keeps prefixes apart', async () => {
    const [one, two] = [newPrefix(), newPrefix()];
    await using first = redisJournal({ url, prefix: one });
    await using second = redisJournal({ url: `${url}?prefix=${two}` });
    await (await first.create(newRun('a'))).append([completed(0, 'x')]);
    await (await second.create(newRun('a'))).append([completed(0, 'y')]);
    expect(await all(first, 'a')).toEqual([completed(0, 'x')]);
    expect(await all(second, 'a')).toEqual([completed(0, 'y')]);
    expect(await keysOf(two)).toContain(`{${two}}:log:a`);
  });

  test('stores each large output once, and pages of large outputs one after the other', async () => {
    const prefix = newPrefix();
    await using journal = redisJournal({ url, prefix });
    const run = await journal.create(newRun('a'));
    const events = Array.from({ length: 12 }, (_, n) =>
      completed(n, `${n % 3} ümläute 🦉 `.repeat(60_000)),
    );
    await run.append(events);
    expect(await all(journal, 'a')).toEqual(events);
    expect(await command('KEYS', `{${prefix}}:content:*`)).toHaveLength(3);
  });

  test('reads long logs with small and with large events', async () => {
    await using journal = redisJournal({ url, prefix: newPrefix() });
    const run = await journal.create(newRun('a'));
    const small = Array.from({ length: 1_500 }, (_, n) => completed(n, 'x'));
    // Too large to be read in one page, and not kept apart.
    const text = 'y'.repeat(100_000);
    const large = Array.from({ length: 100 }, (_, n) => ({
      ...{ type: 'task_started' as const, sequence: 1_500 + n, timestamp: n },
      message: text,
    }));
    await run.append(small);
    await run.append(large);
    expect(await all(journal, 'a')).toEqual([...small, ...large]);
  });

  test('lists many runs, the newest first', async () => {
    await using journal = redisJournal({ url, prefix: newPrefix() });
    const ids = Array.from({ length: 1_100 }, (_, n) => `run-${n}`);
    const runs = ids.map((id, n) => journal.create({ id, goal: 'x', createdAt: n }));
    await Promise.all(runs);
    expect((await journal.list()).map(({ id }) => id)).toEqual(ids.reverse());
  });

  test('notices that events are missing', async () => {
    const prefix = newPrefix();
    await using journal = redisJournal({ url, prefix });
    const run = await journal.create(newRun('a'));
    await run.append(Array.from({ length: 5 }, (_, n) => completed(n, `${n} `.repeat(200))));
    await run.close();
    await command('RPOP', `{${prefix}}:log:a`, 3);
    await expect(all(journal, 'a')).rejects.toMatchObject({ code: 'journal_corrupt', runId: 'a' });
    await expect(journal.open('a')).rejects.toThrow('event 2 of run "a" is missing');
    // The lease that it had taken is free again.
    await command('HSET', `{${prefix}}:run:a`, 'events', 2);
    await (await journal.open('a')).close();
    const [content] = (await command('KEYS', `{${prefix}}:content:*`)) as string[];
    await command('DEL', content as string);
    for (const key of (await command('KEYS', `{${prefix}}:content:*`)) as string[]) {
      await command('DEL', key);
    }
    await expect(journal.open('a')).rejects.toThrow('event 0 of run "a" is missing');
  });

  test('claims fairly among many waiting runs', async () => {
    await using queue = redisJournal({ url, prefix: newPrefix() });
    await queue.submit(queued('first', 'tenant 1'));
    const submitted = Array.from({ length: 1_000 }, (_, n) =>
      queue.submit(queued(`run-${n}`, `tenant ${n % 50}`)),
    );
    await Promise.all(submitted);
    const claimed = [];
    for (let n = 0; n < 100; n++) claimed.push((await queue.claim())?.run.id);
    expect(claimed[0]).toBe('first');
    expect(new Set(claimed).size).toBe(100);
    // Two of each tenant; the oldest first.
    const tenants = claimed.slice(1).map((id) => Number(id?.slice(4)) % 50);
    for (let tenant = 0; tenant < 50; tenant++) {
      expect(tenants.filter((each) => each === tenant).length).toBe(tenant === 1 ? 1 : 2);
    }
  });
});
