import pg from 'pg';
import { inject } from 'vitest';
// The context that the setup provides.
import './global-setup.js';

/** The server of the tests; undefined where none is installed. */
export const url = inject('postgresUrl') as string;

let count = 0;

/** A schema that nobody has used. */
export function newSchema(): string {
  count++;
  return `test ${process.pid} ${count} "ä"`;
}

/** Executes statements as the superuser, on a connection of their own. */
export async function sql(
  text: string,
  values: unknown[] = [],
  at = url,
): Promise<pg.QueryResult['rows']> {
  const client = new pg.Client(at);
  await client.connect();
  try {
    const { rows } = await client.query(text, values);
    return rows;
  } finally {
    await client.end();
  }
}

/** The name of a table as statements write it. */
export function table(schema: string, name: string): string {
  return `${pg.escapeIdentifier(schema)}.${name}`;
}
