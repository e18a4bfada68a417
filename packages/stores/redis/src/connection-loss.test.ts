import { CONNECTION_CASES, checkBrokenConnections } from '@stratagem/server-kit/connection-cases';
import { all, completed, newRun } from '@stratagem/server-kit/events';
import { describe, expect, test } from 'vitest';
import { command, newPrefix, url } from '../test/prefixes.js';
import { redisJournal } from './redis-journal.js';
import { shaOf } from './scripts.js';

function store() {
  const prefix = newPrefix();
  return {
    url,
    open: (at: string, options?: object) => redisJournal({ url: at, prefix, ...options }),
    takeOver: () => command('HINCRBY', `{${prefix}}:run:a`, 'token', 1),
    leaseUntil: async () => Number(await command('HGET', `{${prefix}}:run:a`, 'lease_until')),
    texts: {
      append: shaOf('append'),
      submit: shaOf('submit'),
      claim: shaOf('claim'),
      create: shaOf('createRun'),
      open: shaOf('open'),
    },
  };
}

describe.skipIf(url === undefined)('when the connection breaks off', () => {
  test.each(Object.entries(CONNECTION_CASES))('%s', async (_, prove) => prove(store()));

  test('every acknowledged event is stored once and in order', async () => {
    await checkBrokenConnections(store);
  });

  test('scripts that the server has forgotten are loaded again', async () => {
    await using journal = redisJournal({ url, prefix: newPrefix() });
    const run = await journal.create(newRun('a'));
    await command('SCRIPT', 'FLUSH');
    await run.append([completed(0, 'x')]);
    expect(await all(journal, 'a')).toEqual([completed(0, 'x')]);
  });
});
