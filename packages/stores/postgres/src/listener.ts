import { Announcements } from '@stratagem/store-kit';
import pg from 'pg';

/** The channel of a schema, as `LISTEN` and `pg_notify` name it. */
export function channelOf(schema: string): string {
  return `stratagem ${schema}`;
}

/** What is announced in a schema. */
export function listen(schema: string, options: () => pg.ClientConfig): Announcements {
  return new Announcements(({ tell, lost }) => {
    const client = new pg.Client(options());
    client.on('error', lost);
    client.on('end', lost);
    client.on('notification', ({ payload }) => tell(payload));
    return {
      async open() {
        await client.connect();
        await client.query(`LISTEN ${pg.escapeIdentifier(channelOf(schema))}`);
      },
      close() {
        client.end().catch(() => {});
      },
    };
  });
}
