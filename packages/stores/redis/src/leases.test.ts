import { queued } from '@stratagem/server-kit/events';
import { LEASE_CASES } from '@stratagem/server-kit/lease-cases';
import { describe, expect, test } from 'vitest';
import { command, newPrefix, url } from '../test/prefixes.js';
import { redisJournal } from './redis-journal.js';

describe.skipIf(url === undefined)('a lease', () => {
  test.each(Object.entries(LEASE_CASES))('%s', async (_, prove) => {
    const prefix = newPrefix();
    const run = `{${prefix}}:run:a`;
    await prove({
      open: (options) => redisJournal({ url, prefix, ...options }),
      async expire() {
        const past = Date.now() - 1_000;
        await command('HSET', run, 'lease_ms', 1, 'lease_until', past);
        await command('ZADD', `{${prefix}}:held`, 'XX', past, 'a');
      },
      setOwner: (owner) => command('HSET', run, 'owner', owner),
      leaseUntil: async () => Number(await command('HGET', run, 'lease_until')),
    });
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
