import { inspect } from 'node:util';
import type { JournalError } from '@stratagem/core';
import { completed, createPatiently, newRun } from '@stratagem/server-kit/events';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { newSchema, sql, table, url } from '../test/schemas.js';
import { migrate } from './migrate.js';
import type { PostgresJournalOptions } from './options.js';
import { postgresJournal } from './postgres-journal.js';
import { postgresLimits } from './postgres-limits.js';

/** What the first use of a journal rejects with; it never shows a password. */
async function failure(options: PostgresJournalOptions): Promise<JournalError> {
  await using journal = postgresJournal({ schema: newSchema(), reconnectMs: 100, ...options });
  const error = await journal.create(newRun('a')).then(
    () => new Error('it did not fail'),
    (thrown: unknown) => thrown as JournalError,
  );
  for (const secret of ['hunter2', 'sesame', 'wrong-word', 'other-word']) {
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(secret);
  }
  return error as JournalError;
}

/** The URL of the server, with another user or database. */
function urlWith(changes: Partial<Record<'username' | 'password' | 'pathname' | 'port', string>>) {
  return Object.assign(new URL(url), changes).href;
}

/** A user without rights, who may have so many connections. */
async function newUser(connections = -1): Promise<string> {
  const name = `user_${Math.random().toString(36).slice(2)}`;
  await sql(`CREATE ROLE ${name} LOGIN PASSWORD 'other-word' CONNECTION LIMIT ${connections}`);
  return name;
}

describe.skipIf(url === undefined)('an error says what to do:', () => {
  test('a wrong password', async () => {
    const error = await failure({ url: urlWith({ password: 'wrong-word' }) });
    expect(error.code).toBe('journal_failed');
    expect(error.message).toContain('refuses the user or the password');
    expect(error.message).toContain('PGPASSWORD');
  });

  test('a missing database', async () => {
    const error = await failure({ url: urlWith({ pathname: '/nowhere' }) });
    expect(error.message).toContain('has no such database: create it with `createdb');
  });

  test('no server there', async () => {
    const error = await failure({ url: urlWith({ port: '1' }) });
    expect(error.code).toBe('journal_failed');
    expect(error.message).toMatch(/^PostgreSQL at 127\.0\.0\.1:1\/postgres cannot be reached/);
  });

  test('a user who may not create tables, until somebody else has created them', async () => {
    const name = await newUser();
    const schema = newSchema();
    const theirs = urlWith({ username: name, password: 'other-word' });
    const error = await failure({ url: theirs, schema });
    expect(error.code).toBe('journal_read_only');
    expect(error.message).toContain('GRANT CREATE ON DATABASE');
    await using owner = postgresJournal({ url, schema });
    await (await owner.create(newRun('a'))).append([completed(0, 'x')]);
    await sql(`GRANT USAGE ON SCHEMA ${pg.escapeIdentifier(schema)} TO ${name};
      GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA ${pg.escapeIdentifier(schema)} TO ${name}`);
    await using journal = postgresJournal({ url: theirs, schema });
    await (await journal.create(newRun('b'))).append([completed(0, 'y')]);
    expect((await journal.list()).map(({ id }) => id).sort()).toEqual(['a', 'b']);
  });

  test('a read-only server', async () => {
    const readOnly = `${url}?options=-c%20default_transaction_read_only%3Don`;
    const error = await failure({ url: readOnly });
    expect(error.code).toBe('journal_read_only');
    expect(error.message).toContain('use the primary server');
  });

  test('a database that is not in UTF-8', async () => {
    const name = `ascii_${process.pid}`;
    await sql(`CREATE DATABASE ${name} ENCODING 'SQL_ASCII' TEMPLATE template0`);
    const error = await failure({ url: urlWith({ pathname: `/${name}` }) });
    expect(error.message).toContain('it has SQL_ASCII: create another one with `createdb -E UTF8');
  });

  test('a server that is too old', async () => {
    const rows = [{ number: 140_010, version: '14.10', encoding: 'UTF8' }];
    const client = { query: async () => ({ rows }) } as unknown as pg.ClientBase;
    await expect(migrate(client, 'stratagem')).rejects.toThrow(
      '@stratagem/postgres needs PostgreSQL 15 or newer; the server has 14.10',
    );
  });

  test('tables of a newer version', async () => {
    const schema = newSchema();
    const journal = postgresJournal({ url, schema });
    await journal.create(newRun('a'));
    await journal.close();
    await sql(`INSERT INTO ${table(schema, 'versions')} (version) VALUES (99)`);
    const error = await failure({ url, schema });
    expect(error.code).toBe('journal_newer');
    expect(error.message).toContain('have version 99');
    await using again = postgresJournal({ url, schema });
    await expect(again.list()).rejects.toMatchObject({ code: 'journal_newer' });
  });

  test('tables that were deleted while they were in use', async () => {
    const schema = newSchema();
    await using journal = postgresJournal({ url, schema });
    await journal.create(newRun('a'));
    await sql(`DROP SCHEMA ${pg.escapeIdentifier(schema)} CASCADE`);
    await expect(journal.list()).rejects.toMatchObject({ code: 'journal_corrupt' });
  });

  test('no connection left, unless one becomes free in time', async () => {
    const name = await newUser(1);
    const schema = newSchema();
    await sql(`CREATE SCHEMA ${pg.escapeIdentifier(schema)} AUTHORIZATION ${name}`);
    const theirs = urlWith({ username: name, password: 'other-word' });
    const blocker = new pg.Client(theirs);
    await blocker.connect();
    const error = await failure({ url: theirs, schema });
    expect(error.message).toContain('has no connection left');
    await using journal = postgresJournal({ url: theirs, schema, maxConnections: 1 });
    const created = journal.create(newRun('a'));
    await blocker.end();
    await (await created).append([completed(0, 'x')]);
  });

  test('a statement that takes too long, unless it succeeds in time', async () => {
    const schema = newSchema();
    const options = { url, schema, statementTimeoutMs: 50 };
    await using journal = postgresJournal(options);
    const run = await journal.create(newRun('a'));
    await using impatient = postgresJournal({ ...options, reconnectMs: 1 });
    const another = await createPatiently(impatient);
    const other = new pg.Client(url);
    await other.connect();
    await other.query(`BEGIN; SELECT FROM ${table(schema, 'runs')} FOR UPDATE`);
    const appended = run.append([completed(0, 'x')]);
    await expect(another.append([completed(0, 'y')])).rejects.toMatchObject({
      message: expect.stringContaining('raise statementTimeoutMs'),
    });
    await other.query('COMMIT');
    await appended;
    await other.end();
  });
});

describe('options are checked:', () => {
  const start = (options: object) => () => postgresJournal(options as PostgresJournalOptions);

  test.each([
    [{}, 'needs either a url or a server'],
    [{ url: 'postgres://a', server: {} }, 'needs either a url or a server'],
    [{ url: 'mysql://user:hunter2@host' }, 'url must look like postgres://'],
    [{ url: 'postgres://user:hunter2@[host' }, 'url must look like postgres://'],
    [{ url: 'postgres://host', scheme: 'x' }, 'Did you mean "schema"?'],
    [{ url: 'postgres://host', schema: 'pg_mine' }, 'does not start with "pg_"'],
    [{ url: 'postgres://host', schema: 'x'.repeat(41) }, 'of 1 to 40 characters'],
    [{ url: 'postgres://host', leaseMs: 50 }, 'leaseMs must be at least 100'],
    [{ url: 'postgres://host', leaseMs: 1e12 }, 'leaseMs must be at most'],
    [{ url: 'postgres://host', maxConnections: 0 }, 'maxConnections must be an integer ≥ 1'],
    [{ url: 'postgres://host', ssl: 'require' }, 'ssl must be true, false'],
    [{ server: { hots: 'x' } }, 'Did you mean "host"?'],
  ])('%o', (options, message) => {
    expect(start(options)).toThrow(message);
    expect(start(options)).not.toThrow('hunter2');
  });

  test('limits have no leases', () => {
    const options = { url: 'postgres://host', leaseMs: 1_000 };
    expect(() => postgresLimits(options)).toThrow('has no option "leaseMs"');
  });
});

test.skipIf(url === undefined)(
  'a server can be given without a URL, with a password that a function gives',
  async () => {
    const { hostname, port, username } = new URL(url);
    const password = async () => decodeURIComponent(new URL(url).password);
    const server = {
      host: hostname,
      port: Number(port),
      user: username,
      password,
      database: 'postgres',
    };
    await using journal = postgresJournal({ server, schema: newSchema() });
    await (await journal.create(newRun('a'))).append([completed(0, 'x')]);
    expect((await journal.list()).length).toBe(1);
  },
);
