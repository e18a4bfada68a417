import { all, completed, newRun, queued } from '@stratagem/server-kit/events';
import { startProxy } from '@stratagem/server-kit/proxy';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { newSchema, sql, table, url } from '../test/schemas.js';
import { postgresJournal } from './postgres-journal.js';

/** The messages of the protocol: ready for a query, and the end of a connection by an administrator. */
const READY = Buffer.from('Z\0\0\0\x05I', 'latin1');
const SHUTDOWN = (() => {
  const fields = Buffer.from('SFATAL\0C57P01\0Mterminating connection\0\0', 'latin1');
  const head = Buffer.alloc(5);
  head.write('E', 'latin1');
  head.writeInt32BE(4 + fields.length, 1);
  return Buffer.concat([head, fields]);
})();

/** In the statement that appends events, and in no other. */
const APPEND = 'new_events';

describe.skipIf(url === undefined)('when the connection breaks off', () => {
  test.each(['cutBefore', 'cutAfter'] as const)(
    'an append whose outcome is unknown is stored once (%s)',
    async (cut) => {
      await using proxy = await startProxy(url);
      await using journal = postgresJournal({ url: proxy.url, schema: newSchema() });
      const run = await journal.create(newRun('a'));
      await run.append([completed(0, 'x')]);
      proxy[cut](APPEND);
      await run.append([completed(1, 'y'), completed(2, 'z')]);
      await run.append([completed(3, 'end')]);
      expect(await all(journal, 'a')).toEqual([
        completed(0, 'x'),
        completed(1, 'y'),
        completed(2, 'z'),
        completed(3, 'end'),
      ]);
    },
  );

  test('an append fails when the run was taken over meanwhile, whether it was stored or not', async () => {
    await using proxy = await startProxy(url);
    const schema = newSchema();
    await using journal = postgresJournal({ url: proxy.url, schema });
    const run = await journal.create(newRun('a'));
    const takeOver = () => sql(`UPDATE ${table(schema, 'runs')} SET token = token + 1`);
    proxy.cutBefore(APPEND, takeOver);
    const appended = run.append([completed(0, 'x')]);
    await expect(appended).rejects.toMatchObject({ code: 'run_locked', runId: 'a' });
    expect(await all(journal, 'a')).toEqual([]);
  });

  test('a run is submitted once, and claimed once', async () => {
    await using proxy = await startProxy(url);
    await using queue = postgresJournal({ url: proxy.url, schema: newSchema() });
    await queue.list();
    proxy.cutAfter('submitted AS');
    await queue.submit(queued('a'));
    proxy.cutBefore('submitted AS');
    await queue.submit(queued('b'));
    proxy.cutAfter('SKIP LOCKED LIMIT 1');
    proxy.cutAfter('under_way');
    expect((await queue.claim())?.run.id).toBe('a');
    expect((await queue.claim())?.run.id).toBe('b');
    expect(await queue.claim()).toBeUndefined();
  });

  test('creating and opening a run take its lease once', async () => {
    await using proxy = await startProxy(url);
    await using journal = postgresJournal({ url: proxy.url, schema: newSchema() });
    await (await journal.create(newRun('other'))).close();
    proxy.cutAfter('INSERT INTO');
    const run = await journal.create(newRun('a'));
    await run.append([completed(0, 'x')]);
    await run.close();
    proxy.cutAfter('SET token = r.token + 1');
    const again = await journal.open('a');
    await again.append([completed(1, 'y')]);
    expect(await all(journal, 'a')).toEqual([completed(0, 'x'), completed(1, 'y')]);
  });

  test('every acknowledged event is stored once and in order, wherever connections break off', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 12 }),
        async (gaps) => {
          await using proxy = await startProxy(url);
          await using journal = postgresJournal({ url: proxy.url, schema: newSchema() });
          const runs = await Promise.all(['a', 'b', 'c'].map((id) => journal.create(newRun(id))));
          // After so many messages, one connection breaks off.
          const left = [...gaps];
          let count = 0;
          proxy.cutWhen(() => {
            if (left.length === 0 || ++count < (left[0] as number)) return false;
            count = 0;
            left.shift();
            return true;
          });
          const write = async (run: (typeof runs)[number]) => {
            for (let n = 0; n < 10; n++) await run.append([completed(n, `${n}`)]);
          };
          await Promise.all(runs.map(write));
          const expected = Array.from({ length: 10 }, (_, n) => completed(n, `${n}`));
          for (const id of ['a', 'b', 'c']) expect(await all(journal, id)).toEqual(expected);
        },
      ),
      { numRuns: 5 },
    );
  });

  test('announcements arrive again once it is connected again', async () => {
    const schema = newSchema();
    await using queue = postgresJournal({ url, schema });
    let wake = () => {};
    const next = () =>
      new Promise<void>((resolve) => {
        wake = resolve;
      });
    let called = next();
    queue.onQueued(() => wake());
    await called;
    called = next();
    await sql('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = $1', [
      `LISTEN "stratagem ${schema.replaceAll('"', '""')}"`,
    ]);
    // It cannot know what it has missed.
    await called;
    called = next();
    await queue.submit(queued('a'));
    await called;
  });

  test('a connection that the server ends as soon as it is made is replaced', async () => {
    await using proxy = await startProxy(url);
    await using journal = postgresJournal({ url: proxy.url, schema: newSchema() });
    // The error comes before anybody can have added a listener to the connection.
    proxy.endAfter(READY, SHUTDOWN);
    const run = await journal.create(newRun('a'));
    await run.append([completed(0, 'x')]);
    expect(await all(journal, 'a')).toEqual([completed(0, 'x')]);
  });

  test('a server that cannot be reached again ends the append with an error', async () => {
    const proxy = await startProxy(url);
    await using journal = postgresJournal({ url: proxy.url, schema: newSchema(), reconnectMs: 50 });
    const run = await journal.create(newRun('a'));
    await proxy[Symbol.asyncDispose]();
    const appended = run.append([completed(0, 'x')]);
    await expect(appended).rejects.toMatchObject({
      code: 'journal_failed',
      message: expect.stringContaining('cannot be reached'),
    });
  });
});
