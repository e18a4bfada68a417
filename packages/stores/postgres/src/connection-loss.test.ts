import { CONNECTION_CASES, checkBrokenConnections } from '@stratagem/server-kit/connection-cases';
import { all, completed, newRun } from '@stratagem/server-kit/events';
import { startProxy } from '@stratagem/server-kit/proxy';
import { describe, expect, test } from 'vitest';
import { newSchema, sql, table, url } from '../test/schemas.js';
import { postgresJournal } from './postgres-journal.js';

/** The messages of the protocol: ready for a query, and the end of a connection by an administrator. */
const READY = Buffer.from('Z\0\0\0\x05I', 'latin1');
const SHUTDOWN = (() => {
  const fields = Buffer.from('SFATAL\0C57P01\0Mterminating connection\0\0', 'latin1');
  const head = Buffer.alloc(5);
  head.write('E', 'latin1');
  head.writeInt32BE(4 + fields.length, 1);
  return Buffer.concat([head, fields]);
})();

function store() {
  const schema = newSchema();
  return {
    url,
    open: (at: string, options?: object) => postgresJournal({ url: at, schema, ...options }),
    takeOver: () => sql(`UPDATE ${table(schema, 'runs')} SET token = token + 1`),
    async leaseUntil() {
      const until = 'extract(epoch FROM lease_until)::float8';
      const [row] = await sql(`SELECT ${until} AS at FROM ${table(schema, 'runs')}`);
      return row?.at as number;
    },
    texts: {
      append: 'new_events',
      submit: 'submitted AS',
      claim: 'under_way',
      create: 'INSERT INTO',
      open: 'SET token = r.token + 1',
    },
  };
}

describe.skipIf(url === undefined)('when the connection breaks off', () => {
  test.each(Object.entries(CONNECTION_CASES))('%s', async (_, prove) => prove(store()));

  test('every acknowledged event is stored once and in order', async () => {
    await checkBrokenConnections(store);
  });

  test('a connection that the server ends as soon as it is made is replaced', async () => {
    await using proxy = await startProxy(url);
    await using journal = postgresJournal({ url: proxy.url, schema: newSchema() });
    // The error comes before anybody can have added a listener to the connection.
    proxy.endAfter(READY, SHUTDOWN);
    const run = await journal.create(newRun('a'));
    await run.append([completed(0, 'x')]);
    expect(await all(journal, 'a')).toEqual([completed(0, 'x')]);
  });
});
