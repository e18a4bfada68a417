import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { all, completed, newRun } from '@stratagem/server-kit/events';
import { expect, test } from 'vitest';
import { testFolder } from '../test/folder.js';
import { whileBusy } from './busy.js';
import { sqliteJournal } from './sqlite-journal.js';

/** Locks the file, as another process would while it writes. */
function locked(directory: string): Disposable {
  const database = new DatabaseSync(join(directory, 'journal.db'));
  database.exec('BEGIN IMMEDIATE');
  return { [Symbol.dispose]: () => database.close() };
}

const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};

test.each(['full', 'normal'] as const)(
  'while another process has locked the file, the program goes on, and so do appends later (%s)',
  async (durability) => {
    using folder = testFolder();
    await using journal = sqliteJournal({ directory: folder.path, durability });
    const run = await journal.create(newRun('a'));
    await run.append([completed(0, 'x')]);
    const output = { list: [1] };
    let ended = 0;
    const end = () => {
      ended++;
    };
    const lock = locked(folder.path);
    const appended = run.append([{ ...completed(1, ''), output }]) as Promise<void>;
    output.list.push(2);
    const created = journal.create(newRun('b'));
    for (const work of [appended, created]) work.then(end, end);
    // Reading needs no lock.
    expect(await all(journal, 'a')).toEqual([completed(0, 'x')]);
    await turns(20);
    expect(ended).toBe(0);
    lock[Symbol.dispose]();
    await appended;
    await (await created).append([completed(0, 'y')]);
    expect(await all(journal, 'a')).toEqual([
      completed(0, 'x'),
      { ...completed(1, ''), output: { list: [1] } },
    ]);
    expect(await all(journal, 'b')).toEqual([completed(0, 'y')]);
  },
);

test('a run that is closed while the file is locked writes what it was given, and frees its lease', async () => {
  using folder = testFolder();
  await using journal = sqliteJournal({ directory: folder.path });
  const run = await journal.create(newRun('a'));
  const lock = locked(folder.path);
  const appended = run.append([completed(0, 'x')]);
  const closed = run.close();
  await turns(5);
  lock[Symbol.dispose]();
  await appended;
  await closed;
  expect((await journal.open('a')).events).toEqual([completed(0, 'x')]);
});

test('large outputs are written by a thread, unchanged, and each only once', async () => {
  using folder = testFolder();
  await using journal = sqliteJournal({ directory: folder.path });
  const large = 'ümläute, 漢字, 🦉, \u0000 and \ud800 alone; '.repeat(50_000);
  const list = { text: large, list: [1] };
  const run = await journal.create(newRun('a'));
  const appended = run.append([
    completed(0, large),
    completed(1, 'small'),
    { ...completed(2, ''), output: list },
    { ...completed(3, large), contentKey: 'k' },
  ]);
  list.list.push(2);
  await appended;
  const events = [
    completed(0, large),
    completed(1, 'small'),
    { ...completed(2, ''), output: { text: large, list: [1] } },
    { ...completed(3, large), contentKey: 'k' },
  ];
  expect(await all(journal, 'a')).toEqual(events);
  expect(await journal.lookup('k')).toEqual({ runId: 'a', event: events[3] });
  const database = new DatabaseSync(join(folder.path, 'journal.db'));
  expect(database.prepare('SELECT count(*) AS count FROM contents').get()).toEqual({ count: 2 });
  database.close();
  await journal.close();
  await using again = sqliteJournal({ directory: folder.path });
  expect((await again.open('a')).events).toEqual(events);
});

test('other errors are not tried again', async () => {
  let tries = 0;
  const failing = () => {
    tries++;
    throw Object.assign(new Error('disk I/O error'), { errcode: 10 });
  };
  await expect(whileBusy(failing)).rejects.toThrow('disk I/O error');
  expect(tries).toBe(1);
});
