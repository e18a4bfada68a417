import { all, completed, newRun, queued } from '@stratagem/server-kit/events';
import { startProxy } from '@stratagem/server-kit/proxy';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { command, newPrefix, url } from '../test/prefixes.js';
import { redisJournal } from './redis-journal.js';
import { shaOf } from './scripts.js';

describe.skipIf(url === undefined)('when the connection breaks off', () => {
  test.each(['cutBefore', 'cutAfter'] as const)(
    'an append whose outcome is unknown is stored once (%s)',
    async (cut) => {
      await using proxy = await startProxy(url);
      await using journal = redisJournal({ url: proxy.url, prefix: newPrefix() });
      const run = await journal.create(newRun('a'));
      await run.append([completed(0, 'x')]);
      proxy[cut](shaOf('append'));
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
    const prefix = newPrefix();
    await using journal = redisJournal({ url: proxy.url, prefix });
    const run = await journal.create(newRun('a'));
    const takeOver = () => command('HINCRBY', `{${prefix}}:run:a`, 'token', 1);
    proxy.cutBefore(shaOf('append'), takeOver);
    const appended = run.append([completed(0, 'x')]);
    await expect(appended).rejects.toMatchObject({ code: 'run_locked', runId: 'a' });
    expect(await all(journal, 'a')).toEqual([]);
  });

  test('a run is submitted once, and claimed once', async () => {
    await using proxy = await startProxy(url);
    await using queue = redisJournal({ url: proxy.url, prefix: newPrefix() });
    await queue.list();
    proxy.cutAfter(shaOf('submit'));
    await queue.submit(queued('a'));
    proxy.cutBefore(shaOf('submit'));
    await queue.submit(queued('b'));
    proxy.cutAfter(shaOf('claim'));
    expect((await queue.claim())?.run.id).toBe('a');
    proxy.cutBefore(shaOf('claim'));
    expect((await queue.claim())?.run.id).toBe('b');
    expect(await queue.claim()).toBeUndefined();
  });

  test('creating and opening a run take its lease once', async () => {
    await using proxy = await startProxy(url);
    await using journal = redisJournal({ url: proxy.url, prefix: newPrefix() });
    proxy.cutAfter(shaOf('createRun'));
    const run = await journal.create(newRun('a'));
    await run.append([completed(0, 'x')]);
    await run.close();
    proxy.cutAfter(shaOf('open'));
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
          await using journal = redisJournal({ url: proxy.url, prefix: newPrefix() });
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
    await using proxy = await startProxy(url);
    await using queue = redisJournal({ url: proxy.url, prefix: newPrefix() });
    let wake = () => {};
    const next = () =>
      new Promise<void>((resolve) => {
        wake = resolve;
      });
    let called = next();
    queue.onQueued(() => wake());
    await called;
    called = next();
    proxy.cut();
    // It cannot know what it has missed.
    await called;
    called = next();
    await queue.submit(queued('a'));
    await called;
  });

  test('scripts that the server has forgotten are loaded again', async () => {
    await using journal = redisJournal({ url, prefix: newPrefix() });
    const run = await journal.create(newRun('a'));
    await command('SCRIPT', 'FLUSH');
    await run.append([completed(0, 'x')]);
    expect(await all(journal, 'a')).toEqual([completed(0, 'x')]);
  });

  test('a server that cannot be reached again ends the append with an error', async () => {
    const proxy = await startProxy(url);
    await using journal = redisJournal({
      ...{ url: proxy.url, prefix: newPrefix() },
      reconnectMs: 50,
    });
    const run = await journal.create(newRun('a'));
    await proxy[Symbol.asyncDispose]();
    const appended = run.append([completed(0, 'x')]);
    await expect(appended).rejects.toMatchObject({
      code: 'journal_failed',
      message: expect.stringContaining('cannot be reached'),
    });
  });
});
