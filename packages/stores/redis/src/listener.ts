import { Announcements } from '@stratagem/store-kit';
import { newClient, openClient } from './connection.js';
import type { RedisSettings } from './options.js';

/** What is announced on a channel. */
export function listen(settings: RedisSettings, channel: string): Announcements {
  return new Announcements(({ tell, lost }) => {
    // Each node of a cluster announces what is published on another one.
    const client = newClient(settings, settings.endpoint);
    client.on('end', lost);
    client.on('message', (_, message: string) => tell(message));
    return {
      async open() {
        await openClient(client, settings);
        await client.subscribe(channel);
      },
      close: () => client.disconnect(),
    };
  });
}
