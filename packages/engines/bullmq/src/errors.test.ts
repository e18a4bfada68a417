import { inspect } from 'node:util';
import { ReplyError } from 'ioredis';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { engines } from '../test/engines.js';
import { withoutCommand } from './errors.js';
import { bullmqCarrier, serveAttempts } from './index.js';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
});

describe.each(engines)('over %s', (kind, url) => {
  test('a wrong password is an error with a remedy, on both sides, and appears nowhere', async () => {
    const wrong = Object.assign(new URL(url), { password: 'wrong-word' }).href;
    const errors: unknown[] = [];
    const onError = (error: Error) => errors.push(error);
    const carrier = bullmqCarrier({ url: wrong, onError });
    for (const connect of [
      () => carrier.ready(),
      () => serveAttempts({ url: wrong, onError, plans: [] }),
    ]) {
      const error: Error = await connect().then(
        () => expect.unreachable(),
        (thrown) => thrown,
      );
      expect(error.message).toContain('refuses the user or the password');
      expect(error.message).toContain(kind === 'redis' ? 'REDISCLI_AUTH' : 'PGPASSWORD');
      errors.push(error);
    }
    await carrier.close();
    expect(inspect(errors, { depth: 10, showHidden: true })).not.toContain('wrong-word');
  });

  test('a worker whose clock differs is refused where locks are kept by clocks', async () => {
    for (const [aheadMs, where] of [
      [60_000, /clock of this machine is \S+ s ahead of/],
      [-60_000, /clock of this machine is \S+ s behind/],
    ] as const) {
      vi.useFakeTimers({ now: Date.now() + aheadMs, toFake: ['Date'] });
      const serving = serveAttempts({ url, lockMs: 15_000 });
      if (kind === 'redis') await (await serving).stop();
      else await expect(serving).rejects.toThrow(where);
      vi.useRealTimers();
    }
  });

  test('a password that the URL leaves out comes from the environment', async () => {
    const { password } = new URL(url);
    vi.stubEnv(kind === 'redis' ? 'REDISCLI_AUTH' : 'PGPASSWORD', decodeURIComponent(password));
    const without = Object.assign(new URL(url), { password: '' }).href;
    const carrier = bullmqCarrier({ url: without, onError: (error) => expect.fail(error.message) });
    await carrier.ready();
    expect(await carrier.alive?.(['none'])).toEqual(new Set());
    await carrier.close();
  });
});

test('the message of a Redis error leaves out the command, which may contain outputs of tasks', () => {
  const thrown = Object.assign(new ReplyError('OOM command not allowed'), {
    command: { name: 'evalsha', args: ['output of a task'] },
  });
  const error = withoutCommand(thrown);
  expect(error.message).toBe('OOM command not allowed');
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('output of a task');
});
