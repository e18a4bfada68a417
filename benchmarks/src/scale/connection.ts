import { createPostgresBackend, runMigrations } from 'bullmq';
import { Redis } from 'ioredis';
import pg from 'pg';

/** How BullMQ alone connects to a server: as `@stratagem/bullmq` does. */
export async function connectionOf(url: string) {
  if (!url.startsWith('postgres')) {
    const connection = new Redis(url, { maxRetriesPerRequest: null });
    return {
      options: { connection },
      factory: undefined,
      close: async () => connection.disconnect(),
    };
  }
  const settings = {
    connectionString: url,
    options: '-c search_path=bullmq -c synchronous_commit=off',
  };
  const client = new pg.Client(settings);
  await client.connect();
  await runMigrations(client, 'bullmq');
  await client.end();
  const pool = new pg.Pool({ ...settings, max: 4 });
  return {
    options: { connection: pool as never },
    factory: createPostgresBackend,
    close: () => pool.end(),
  };
}
