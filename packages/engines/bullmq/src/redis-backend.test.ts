import { expect, test } from 'vitest';
import { RedisBackend } from './redis-backend.js';

test('the end makes no connection again, and ends commands that wait for a server that is away', async () => {
  const settings = { url: 'redis://127.0.0.1:1', queue: 'stratagem', onError() {} };
  const backend = new RedisBackend(settings, 10_000);
  const client = backend.connection();
  // BullMQ makes one for each worker.
  const clients = [client, client.duplicate(), client.duplicate().duplicate()];
  for (const each of clients) each.on('error', () => {});
  const retries = clients.map((each) => new Promise((retry) => each.once('reconnecting', retry)));
  const commands = Promise.allSettled(clients.map((each) => each.ping()));
  await Promise.all(retries);
  await backend.close();
  for (const ended of await commands) {
    expect(ended).toMatchObject({
      status: 'rejected',
      reason: { message: 'Connection is closed.' },
    });
  }
  expect(clients.map(({ status }) => status)).toEqual(clients.map(() => 'end'));
});
