import { all, completed, newRun, queued } from '@stratagem/server-kit/events';
import { describe, expect, test } from 'vitest';
import { newSchema, sql, table, url } from '../test/schemas.js';
import { postgresJournal } from './postgres-journal.js';
import { MIGRATIONS } from './schema.js';

describe.skipIf(url === undefined)('a journal in PostgreSQL', () => {
  test('creates no tables by reading', async () => {
    const schema = newSchema();
    await using journal = postgresJournal({ url, schema });
    expect(await journal.list()).toEqual([]);
    expect(await journal.lookup('k')).toBeUndefined();
    expect(await journal.claim()).toBeUndefined();
    await expect(all(journal, 'a')).rejects.toMatchObject({ code: 'run_not_found' });
    await expect(journal.open('a')).rejects.toMatchObject({ code: 'run_not_found' });
    expect(await sql('SELECT FROM pg_namespace WHERE nspname = $1', [schema])).toEqual([]);
  });

  test('is set up once by processes that start together', async () => {
    const schema = newSchema();
    const journals = Array.from({ length: 6 }, () => postgresJournal({ url, schema }));
    await Promise.all(journals.map((journal, n) => journal.create(newRun(`run-${n}`))));
    expect((await journals[0]?.list())?.length).toBe(6);
    await Promise.all(journals.map((journal) => journal.close()));
    const versions = await sql(`SELECT version FROM ${table(schema, 'versions')} ORDER BY version`);
    expect(versions).toEqual(
      Array.from({ length: MIGRATIONS.length }, (_, n) => ({ version: n + 1 })),
    );
  });

  test('keeps schemas apart', async () => {
    const [one, two] = [newSchema(), newSchema()];
    await using first = postgresJournal({ url, schema: one });
    await using second = postgresJournal({ url, schema: two });
    await (await first.create(newRun('a'))).append([completed(0, 'x')]);
    await (await second.create(newRun('a'))).append([completed(0, 'y')]);
    expect(await all(first, 'a')).toEqual([completed(0, 'x')]);
    expect(await all(second, 'a')).toEqual([completed(0, 'y')]);
  });

  test('appends what many runs write at once in few transactions', async () => {
    const schema = newSchema();
    await using journal = postgresJournal({ url, schema });
    const ids = Array.from({ length: 40 }, (_, n) => `run-${n}`);
    const runs = await Promise.all(ids.map((id) => journal.create(newRun(id))));
    const write = async (run: (typeof runs)[number]) => {
      for (let n = 0; n < 5; n++) await run.append([completed(n, `${run.runId} ${n}`)]);
    };
    await Promise.all(runs.map(write));
    for (const id of ids) {
      const expected = Array.from({ length: 5 }, (_, n) => completed(n, `${id} ${n}`));
      expect(await all(journal, id)).toEqual(expected);
    }
    const [row] = await sql(
      `SELECT count(DISTINCT xmin::text) AS transactions FROM ${table(schema, 'events')}`,
    );
    expect(Number(row?.transactions)).toBeLessThanOrEqual(50);
  });

  test('stores each large output once, and pages of large outputs one after the other', async () => {
    const schema = newSchema();
    await using journal = postgresJournal({ url, schema });
    const run = await journal.create(newRun('a'));
    const events = Array.from({ length: 12 }, (_, n) =>
      completed(n, `${n % 3} ümläute 🦉 `.repeat(60_000)),
    );
    await run.append(events);
    expect(await all(journal, 'a')).toEqual(events);
    const [row] = await sql(`SELECT count(*) AS count FROM ${table(schema, 'contents')}`);
    expect(Number(row?.count)).toBe(3);
  });

  test('notices that events are missing', async () => {
    const schema = newSchema();
    await using journal = postgresJournal({ url, schema });
    const run = await journal.create(newRun('a'));
    await run.append(Array.from({ length: 5 }, (_, n) => completed(n, `${n} `.repeat(200))));
    await run.close();
    await sql(`DELETE FROM ${table(schema, 'events')} WHERE position = 2`);
    await expect(all(journal, 'a')).rejects.toMatchObject({ code: 'journal_corrupt', runId: 'a' });
    await expect(journal.open('a')).rejects.toThrow('event 2 of run "a" is missing');
    // The lease that it had taken is free again.
    await sql(`UPDATE ${table(schema, 'runs')} SET events = 2`);
    await (await journal.open('a')).close();
    await sql(`DELETE FROM ${table(schema, 'contents')}`);
    await expect(journal.open('a')).rejects.toThrow('event 0 of run "a" is missing');
  });

  test('claims fairly and quickly among many waiting runs', async () => {
    const schema = newSchema();
    await using queue = postgresJournal({ url, schema });
    await queue.submit(queued('first', 'tenant 1'));
    await sql(
      `INSERT INTO ${table(schema, 'runs')} (id, summary, tenant, submission)
        SELECT 'run-' || n, '{"id":"run-' || n || '"}', 'tenant ' || (n % 50), '{"id":"run-' || n || '"}'
        FROM generate_series(1, 5000) AS n`,
    );
    await sql(`ANALYZE ${table(schema, 'runs')}`);
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
