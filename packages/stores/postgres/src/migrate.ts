import { JournalError } from '@stratagem/core';
import pg from 'pg';
import { MIGRATIONS } from './schema.js';

/** The version of the tables that this package uses. */
const VERSION = MIGRATIONS.length;
const MIN_SERVER = 150_000;

/** Keeps two processes from migrating at once: "Stgm" and a number of ours. */
const LOCK = [0x5374676d, 1] as const;

type Client = Pick<pg.ClientBase, 'query'>;

/**
 * The version of the tables in a schema; undefined when there are none.
 *
 * @throws {JournalError} when they are newer than this package.
 */
export async function versionOf(client: Client, schema: string): Promise<number | undefined> {
  const table = `${pg.escapeIdentifier(schema)}.versions`;
  const { rows: found } = await client.query('SELECT to_regclass($1) IS NOT NULL AS there', [
    table,
  ]);
  if (found[0]?.there !== true) return undefined;
  const { rows } = await client.query(`SELECT max(version) AS version FROM ${table}`);
  const version = Number(rows[0]?.version ?? 0);
  if (version <= VERSION) return version;
  const message = `The tables in the schema "${schema}" have version ${version}, and this version of @stratagem/postgres knows ${VERSION}: update it`;
  throw new JournalError('journal_newer', message);
}

/**
 * Creates the tables of a schema, or brings them up to date, in one transaction. Other processes that
 * want the same wait for it.
 */
export async function migrate(client: Client, schema: string): Promise<void> {
  await requireServer(client);
  if ((await versionOf(client, schema)) === VERSION) return;
  // A lock of the session, taken before the transaction begins: a transaction that waits for it would
  // not see the tables that were created meanwhile.
  await client.query('SELECT pg_advisory_lock($1, $2)', [...LOCK]);
  try {
    const version = (await versionOf(client, schema)) ?? 0;
    if (version < VERSION) await upgrade(client, schema, version);
  } finally {
    // The end of a connection releases it as well.
    await client.query('SELECT pg_advisory_unlock($1, $2)', [...LOCK]).catch(() => {});
  }
}

async function upgrade(client: Client, schema: string, version: number): Promise<void> {
  const name = pg.escapeIdentifier(schema);
  await client.query('BEGIN');
  try {
    await createTables(client, schema, name, version);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

async function createTables(
  client: Client,
  schema: string,
  name: string,
  version: number,
): Promise<void> {
  const { rows } = await client.query('SELECT FROM pg_namespace WHERE nspname = $1', [schema]);
  // Who may use the schema need not be allowed to create one.
  if (rows.length === 0) await client.query(`CREATE SCHEMA ${name}`);
  if (version === 0) {
    await client.query(
      `CREATE TABLE ${name}.versions (version int PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())`,
    );
  }
  for (const [index, statements] of MIGRATIONS.entries()) {
    if (index < version) continue;
    await client.query(statements(name));
    await client.query(`INSERT INTO ${name}.versions (version) VALUES ($1)`, [index + 1]);
  }
}

async function requireServer(client: Client): Promise<void> {
  const { rows } = await client.query(
    `SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS version,
      current_setting('server_encoding') AS encoding`,
  );
  const { number, version, encoding } = rows[0] ?? {};
  if (Number(number) < MIN_SERVER) {
    const message = `@stratagem/postgres needs PostgreSQL 15 or newer; the server has ${version}`;
    throw new JournalError('journal_failed', message);
  }
  if (encoding !== 'UTF8') {
    const message = `@stratagem/postgres needs a database with the encoding UTF8; it has ${encoding}: create another one with \`createdb -E UTF8 -T template0 NAME\``;
    throw new JournalError('journal_failed', message);
  }
}
