import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import type { JournalError } from '@stratagem/core';
import { completed, createPatiently, newRun } from '@stratagem/server-kit/events';
import type { LocalServer } from '@stratagem/server-kit/local-server';
import { startRedis } from '@stratagem/server-kit/redis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command, commandAt, newPrefix, url } from '../test/prefixes.js';
import type { RedisJournalOptions } from './options.js';
import { redisJournal } from './redis-journal.js';
import { redisLimits } from './redis-limits.js';

/** What the first write of a journal rejects with; it never shows a password. */
async function failure(options: RedisJournalOptions): Promise<JournalError> {
  await using journal = redisJournal({ prefix: newPrefix(), reconnectMs: 100, ...options });
  const error = await journal
    .create(newRun('a'))
    .then((run) => run.append([completed(0, 'output of a task')]))
    .then(
      () => new Error('it did not fail'),
      (thrown: unknown) => thrown as JournalError,
    );
  for (const secret of ['hunter2', 'sesame', 'wrong-word', 'other-word', 'output of a task']) {
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(secret);
  }
  return error as JournalError;
}

/** The URL of the server, with another user or database. */
function urlWith(changes: Partial<Record<'username' | 'password' | 'pathname' | 'port', string>>) {
  return Object.assign(new URL(url), changes).href;
}

describe.skipIf(url === undefined)('an error says what to do:', () => {
  test('a wrong password, and none', async () => {
    const error = await failure({ url: urlWith({ password: 'wrong-word' }) });
    expect(error.code).toBe('journal_failed');
    expect(error.message).toContain('refuses the user or the password');
    expect(error.message).toContain('REDISCLI_AUTH');
    const missing = await failure({ url: urlWith({ password: '' }) });
    expect(missing.message).toContain('refuses the user or the password');
  });

  test('a missing database', async () => {
    const error = await failure({ url: urlWith({ pathname: '/99' }) });
    expect(error.message).toMatch(/^Redis at .*\/99 has no such database/);
  });

  test('no server there', async () => {
    const error = await failure({ url: urlWith({ port: '1' }) });
    expect(error.code).toBe('journal_failed');
    expect(error.message).toMatch(/^Redis at 127\.0\.0\.1:1 cannot be reached \(.*ECONNREFUSED/);
  });

  test('a user without the right to its keys', async () => {
    await command('ACL', 'SETUSER', 'other', 'on', '>other-word', '~elsewhere*', '+@all');
    const theirs = urlWith({ username: 'other', password: 'other-word' });
    const error = await failure({ url: theirs });
    expect(error.code).toBe('journal_read_only');
    expect(error.message).toContain('ACL SETUSER');
  });

  test('keys of a newer version', async () => {
    const prefix = newPrefix();
    await command('SET', `{${prefix}}:version`, 99);
    const error = await failure({ url, prefix });
    expect(error.code).toBe('journal_newer');
    expect(error.message).toContain('have version 99');
  });

  test('keys that somebody else has written', async () => {
    const prefix = newPrefix();
    await command('SET', `{${prefix}}:run:a`, 'x');
    const error = await failure({ url, prefix });
    expect(error.code).toBe('journal_corrupt');
    expect(error.message).toContain('use another prefix');
  });
});

describe.skipIf(url === undefined)('a server that', () => {
  let server: LocalServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test('has no memory left refuses appends, and nothing is lost', async () => {
    const prefix = newPrefix();
    await using journal = redisJournal({ url: server.url, prefix });
    const run = await journal.create(newRun('a'));
    await run.append([completed(0, 'x')]);
    await using other = redisJournal({ url: server.url, prefix });
    const setMemory = (bytes: number) => config(server, 'maxmemory', `${bytes}`);
    await setMemory(1);
    await expect(run.append([completed(1, 'y')])).rejects.toMatchObject({
      code: 'journal_full',
      message: expect.stringContaining('raise its maxmemory'),
    });
    await setMemory(0);
    await run.append([completed(1, 'y')]);
    expect((await other.list())[0]?.completedTasks).toBe(2);
  });

  test('is stopped for a while ends no run', async () => {
    await using journal = redisJournal({ url: server.url, prefix: newPrefix() });
    const run = await journal.create(newRun('a'));
    await run.append([completed(0, 'x')]);
    await server.kill();
    const appended = run.append([completed(1, 'y')]);
    await server.start();
    await appended;
    await run.close();
    expect((await journal.open('a')).events).toEqual([completed(0, 'x'), completed(1, 'y')]);
  });

  test('does not answer in time is given up', async () => {
    const options = { url: server.url, commandTimeoutMs: 100, reconnectMs: 1 };
    await using journal = redisJournal(options);
    const run = await createPatiently(journal);
    await raw(server, 'CLIENT', 'PAUSE', '600000', 'WRITE');
    await expect(run.append([completed(0, 'x')])).rejects.toMatchObject({
      message: expect.stringContaining('Command timed out'),
    });
    await raw(server, 'CLIENT', 'UNPAUSE');
  });

  test.each<[string, Record<string, string>, string, string]>([
    ['is a replica', { replicaof: '127.0.0.1 1' }, 'journal_read_only', 'use the primary server'],
    ['keeps no file', { appendonly: 'no' }, 'journal_failed', 'keeps no append-only file'],
    [
      'deletes keys',
      { 'maxmemory-policy': 'allkeys-lru' },
      'journal_failed',
      'set "maxmemory-policy noeviction"',
    ],
  ])('%s is refused', async (_, settings, code, message) => {
    await using wrong = await startRedis(settings);
    const error = await failure({ url: wrong.url });
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
  });

  test('keeps no file is accepted on request, and for limits', async () => {
    await using volatile = await startRedis({ appendonly: 'no' });
    await using journal = redisJournal({ url: `${volatile.url}?durability=memory` });
    await (await journal.create(newRun('a'))).append([completed(0, 'x')]);
    await using limits = redisLimits({ url: volatile.url });
    expect((await limits.reserve('a', [])).pausedMs).toBe(0);
  });

  test('writes its file every second acknowledges with WAITAOF, or is refused', async () => {
    await using slow = await startRedis({ appendfsync: 'everysec' });
    await using journal = redisJournal({ url: slow.url });
    const hasWaitaof = (await raw(slow, 'COMMAND', 'INFO', 'WAITAOF'))?.[0] !== null;
    const run = journal.create(newRun('a')).then((created) => created.append([completed(0, 'x')]));
    if (hasWaitaof) {
      await run;
      const calls = String(await raw(slow, 'INFO', 'commandstats'));
      expect(calls).toContain('cmdstat_waitaof:calls=1');
    } else await expect(run).rejects.toThrow('set "appendfsync always", update to Redis 7.2');
    await using second = redisJournal({ url: `${slow.url}?durability=everysec` });
    await (await second.create(newRun('b'))).append([completed(0, 'x')]);
  });

  test('has a Unix socket is reached by it', async () => {
    const path = join(tmpdir(), `stratagem-${process.pid}.sock`);
    await using local = await startRedis({ unixsocket: path, requirepass: '' });
    await using journal = redisJournal({ url: `redis+unix://${path}?db=1&prefix=here` });
    await (await journal.create(newRun('a'))).append([completed(0, 'x')]);
    const { url: at } = local;
    expect(await commandAt(`${at}/1`, 'EXISTS', '{here}:log:a')).toBe(1);
  });

  test('is a node of a cluster without the keys leads to the one that has them', async () => {
    const cluster = { 'cluster-enabled': 'yes', requirepass: '' };
    await using one = await startRedis(cluster);
    await using two = await startRedis(cluster);
    await raw(two, 'CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    await raw(one, 'CLUSTER', 'MEET', '127.0.0.1', `${two.port}`);
    const options = { url: one.url, prefix: newPrefix() };
    await using journal = redisJournal(options);
    const run = await journal.create(newRun('a'));
    await run.append([completed(0, 'x')]);
    await run.close();
    expect((await journal.list()).map(({ id }) => id)).toEqual(['a']);
    let wake = () => {};
    const called = new Promise<void>((resolve) => {
      wake = resolve;
    });
    journal.onQueued(() => wake());
    await called;
  });
});

describe('options are checked:', () => {
  const start = (options: object) => () => redisJournal(options as RedisJournalOptions);

  test.each([
    [{}, 'url must look like redis://'],
    [{ url: 'http://user:hunter2@host' }, 'url must look like redis://'],
    [{ url: 'redis://user:hunter2@[host' }, 'url must look like redis://'],
    [{ url: 'redis://host/name' }, 'url must look like redis://'],
    [{ url: 'redis+unix://' }, 'url must look like redis://'],
    [
      { url: 'redis://host?prefx=hunter2' },
      'url has the unknown option "prefx"; it takes "prefix"',
    ],
    [{ url: 'redis://host?durability=hunter2' }, 'durability must be "fsync", "everysec" or'],
    [{ url: 'redis://host', prefx: 'x' }, 'Did you mean "prefix"?'],
    [{ url: 'redis://host', prefix: '{x}' }, 'prefix must be 1 to 100 letters'],
    [{ url: 'redis://host', leaseMs: 50 }, 'leaseMs must be at least 100'],
    [{ url: 'redis://host', leaseMs: 1e12 }, 'leaseMs must be at most'],
    [{ url: 'redis://host', tls: {} }, 'for a URL with rediss://'],
  ])('%o', (options, message) => {
    expect(start(options)).toThrow(message);
    expect(start(options)).not.toThrow('hunter2');
  });

  test('limits have no leases, and nothing durable', () => {
    const options = { url: 'redis://host?durability=everysec', leaseMs: 1_000 };
    expect(() => redisLimits(options)).toThrow('has no option "leaseMs"');
    redisLimits({ url: options.url });
  });
});

test.skipIf(url === undefined)('a password can come from a function', async () => {
  const password = async () => decodeURIComponent(new URL(url).password);
  const options = { url: urlWith({ password: '' }), password, prefix: newPrefix() };
  await using journal = redisJournal(options);
  await (await journal.create(newRun('a'))).append([completed(0, 'x')]);
  expect((await journal.list()).length).toBe(1);
});

function raw(server: LocalServer, name: string, ...args: string[]): Promise<unknown[]> {
  return commandAt(server.url, name, ...args) as Promise<unknown[]>;
}

async function config(server: LocalServer, name: string, value: string): Promise<void> {
  await raw(server, 'CONFIG', 'SET', name, value);
}
