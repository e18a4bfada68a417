import { LEASE_CASES } from '@stratagem/server-kit/lease-cases';
import { describe, test } from 'vitest';
import { newSchema, sql, table, url } from '../test/schemas.js';
import { postgresJournal } from './postgres-journal.js';

describe.skipIf(url === undefined)('a lease', () => {
  test.each(Object.entries(LEASE_CASES))('%s', async (_, prove) => {
    const schema = newSchema();
    const runs = table(schema, 'runs');
    await prove({
      open: (options) => postgresJournal({ url, schema, ...options }),
      expire: () =>
        sql(`UPDATE ${runs} SET lease_ms = 1, lease_until = clock_timestamp() - interval '1 s'`),
      setOwner: (owner) => sql(`UPDATE ${runs} SET owner = $1`, [owner]),
      async leaseUntil() {
        const [row] = await sql(
          `SELECT extract(epoch FROM lease_until)::float8 AS at FROM ${runs}`,
        );
        return row?.at as number;
      },
    });
  });
});
