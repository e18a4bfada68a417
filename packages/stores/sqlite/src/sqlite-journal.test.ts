import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { all, completed, newRun } from '@stratagem/server-kit/events';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { testFolder } from '../test/folder.js';
import { sqliteJournal } from './sqlite-journal.js';

vi.mock('node:fs', async (original) => {
  const actual = await original<typeof fs>();
  return { ...actual, fdatasync: vi.fn(actual.fdatasync) };
});
const fdatasync = vi.mocked(fs.fdatasync);
beforeEach(() => {
  fdatasync.mockClear();
});

const DIST = new URL('../dist/index.js', import.meta.url).href;

describe('durability', () => {
  test('full resolves an append once the events are on the disk', async () => {
    using folder = testFolder();
    await using journal = sqliteJournal({ directory: folder.path });
    const run = await journal.create(newRun('a'));
    await run.append([completed(0, 'x')]);
    expect(fdatasync).toHaveBeenCalledTimes(1);
  });

  test('full says when events are written, before the disk has them', async () => {
    using folder = testFolder();
    await using journal = sqliteJournal({ directory: folder.path });
    const run = await journal.create(newRun('a'));
    const flushed: number[] = [];
    const appended = run.append([completed(0, 'x')], () => {
      flushed.push(fdatasync.mock.calls.length);
    });
    expect(flushed).toEqual([0]);
    // Another process would find them from now on.
    await using other = sqliteJournal({ directory: folder.path });
    expect(await all(other, 'a')).toEqual([completed(0, 'x')]);
    await appended;
    expect(fdatasync).toHaveBeenCalledTimes(1);
  });

  test('full waits once for concurrent appends of several runs', async () => {
    using folder = testFolder();
    await using journal = sqliteJournal({ directory: folder.path });
    const runs = await Promise.all(['a', 'b', 'c', 'd'].map((id) => journal.create(newRun(id))));
    await Promise.all(runs.map((run) => run.append([completed(0, 'x')])));
    expect(fdatasync.mock.calls.length).toBeLessThanOrEqual(2);
  });

  test('full fails permanently after a failed flush', async () => {
    using folder = testFolder();
    await using journal = sqliteJournal({ directory: folder.path });
    const run = await journal.create(newRun('a'));
    fdatasync.mockImplementationOnce((_, callback) => {
      callback(Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' }));
    });
    for (const _ of ['the failure', 'and whoever comes after it']) {
      await expect(run.append([completed(0, 'x')])).rejects.toMatchObject({
        code: 'journal_failed',
        message: expect.stringContaining('EIO: i/o error'),
      });
    }
  });

  test('normal appends at once, without a flush', async () => {
    using folder = testFolder();
    await using journal = sqliteJournal({ directory: folder.path, durability: 'normal' });
    const run = await journal.create(newRun('a'));
    expect(run.append([completed(0, 'x')])).toBeUndefined();
    expect(fdatasync).not.toHaveBeenCalled();
    await using other = sqliteJournal({ directory: folder.path });
    expect(await all(other, 'a')).toEqual([completed(0, 'x')]);
  });
});

describe('the file', () => {
  test.skipIf(process.platform === 'win32')(
    'is for its owner alone, like its folder and everything beside it',
    async () => {
      using folder = testFolder();
      const before = process.umask(0);
      try {
        const directory = join(folder.path, 'deep', 'journal');
        await using journal = sqliteJournal({ directory });
        await (await journal.create(newRun('a'))).append([completed(0, 'x')]);
        const names = readdirSync(directory).sort();
        expect(names).toEqual([
          'journal.db',
          'journal.db-acknowledged',
          'journal.db-shm',
          'journal.db-wal',
        ]);
        const modes = [directory, ...names.map((name) => join(directory, name))].map(
          (path) => statSync(path).mode & 0o777,
        );
        expect(modes).toEqual([0o700, 0o600, 0o600, 0o600, 0o600]);
      } finally {
        process.umask(before);
      }
    },
  );

  test('is not created by reading', async () => {
    using folder = testFolder();
    const directory = join(folder.path, 'none');
    await using journal = sqliteJournal({ directory });
    expect(await journal.list()).toEqual([]);
    expect(await journal.lookup('key')).toBeUndefined();
    await expect(journal.open('a')).rejects.toMatchObject({ code: 'run_not_found' });
    await expect(all(journal, 'a')).rejects.toMatchObject({ code: 'run_not_found' });
    expect(existsSync(directory)).toBe(false);
  });

  test('stores a repeated large output once, and a small one within its event', async () => {
    using folder = testFolder();
    const file = join(folder.path, 'runs.db');
    await using journal = sqliteJournal({ file });
    const large = 'all the same '.repeat(10_000);
    for (const id of ['a', 'b']) {
      const run = await journal.create(newRun(id));
      const plan = { goal: large, tasks: [] };
      await run.append([
        { type: 'run_started', sequence: 0, timestamp: 1, plan, taskCount: 0 },
        completed(1, large),
        completed(2, large),
        completed(3, 'small'),
      ]);
    }
    const database = new DatabaseSync(file);
    expect(database.prepare('SELECT length(text) AS length FROM contents').all()).toEqual([
      { length: JSON.stringify({ goal: large, tasks: [] }).length },
      { length: large.length + 2 },
    ]);
    database.close();
    expect((await all(journal, 'b')).slice(1)).toEqual([
      completed(1, large),
      completed(2, large),
      completed(3, 'small'),
    ]);
  });

  test('stores the bytes of an attachment once, for all runs', async () => {
    using folder = testFolder();
    const file = join(folder.path, 'runs.db');
    await using journal = sqliteJournal({ file });
    const data = 'iVBORw0KGgo='.repeat(50_000);
    const attached = (sequence: number) => {
      const shown = { kind: 'attachment', source: 'a.png', sha256: 'x', size: 1 };
      const about = { type: 'task_output' as const, sequence, timestamp: 1, taskId: 'a' };
      return { ...about, ...shown, data };
    };
    for (const id of ['a', 'b']) {
      const run = await journal.create(newRun(id));
      await run.append([attached(0), { ...attached(1), data: undefined }]);
    }
    const database = new DatabaseSync(file);
    expect(database.prepare('SELECT length(text) AS length FROM contents').all()).toEqual([
      { length: data.length + 2 },
    ]);
    database.close();
    expect((await all(journal, 'b')).map((event) => event.data)).toEqual([data, undefined]);
  });

  test('can be written by several journals at once', async () => {
    using folder = testFolder();
    const journals = Array.from({ length: 4 }, () => sqliteJournal({ directory: folder.path }));
    await Promise.all(
      journals.map(async (journal, n) => {
        const run = await journal.create(newRun(`run-${n}`));
        for (let at = 0; at < 50; at++) await run.append([completed(at, `${n}`)]);
        await journal.close();
      }),
    );
    await using journal = sqliteJournal({ directory: folder.path });
    for (const n of journals.keys()) {
      const outputs = (await all(journal, `run-${n}`)).map(({ output }) => output);
      expect(outputs).toEqual(new Array(50).fill(`${n}`));
    }
  });

  test('cannot be created where its folder is a file', async () => {
    using folder = testFolder();
    const directory = join(folder.path, 'notes');
    fs.writeFileSync(directory, 'a file');
    await using journal = sqliteJournal({ directory });
    await expect(journal.create(newRun('a'))).rejects.toMatchObject({
      code: 'journal_failed',
      message: `${join(directory, 'journal.db')} cannot be created: ${directory} is not a folder; use another one`,
    });
  });

  test('that was deleted is created again by a new journal', async () => {
    using folder = testFolder();
    for (const _ of ['first', 'second']) {
      const journal = sqliteJournal({ directory: folder.path });
      const run = await journal.create(newRun('a'));
      await run.append([completed(0, 'x'), completed(1, 'y')]);
      await journal.close();
      fs.rmSync(join(folder.path, 'journal.db'));
    }
  });

  test.skipIf(process.platform === 'win32')(
    'that is deleted or moved away while a run is written stops the run',
    async () => {
      for (const take of [
        (path: string) => fs.rmSync(path),
        (path: string) => fs.renameSync(path, `${path}.old`),
        (path: string) => fs.renameSync(path, `${path}.old`) ?? fs.writeFileSync(path, ''),
      ]) {
        using folder = testFolder();
        const file = join(folder.path, 'journal.db');
        await using journal = sqliteJournal({ file });
        const run = await journal.create(newRun('a'));
        await run.append([completed(0, 'x')]);
        take(file);
        expect(() => run.append([completed(1, 'y')])).toThrow(
          expect.objectContaining({
            code: 'journal_failed',
            message: expect.stringContaining(`${file} was deleted or moved while`),
          }),
        );
      }
    },
  );

  test('has its path resolved when the journal is created', async () => {
    using folder = testFolder();
    using other = testFolder();
    const before = process.cwd();
    try {
      process.chdir(folder.path);
      await using journal = sqliteJournal({ directory: 'runs' });
      process.chdir(other.path);
      const run = await journal.create(newRun('a'));
      await run.append([completed(0, 'x')]);
    } finally {
      process.chdir(before);
    }
    expect(existsSync(join(folder.path, 'runs', 'journal.db'))).toBe(true);
    expect(readdirSync(other.path)).toEqual([]);
  });
});

describe('node:sqlite', () => {
  /** Uses a journal in a process of its own. */
  function use(file: string, ...flags: string[]) {
    const program = `
      const { sqliteJournal } = await import('${DIST}');
      const journal = sqliteJournal({ file: ${JSON.stringify(file)} });
      await journal.create({ id: 'a', goal: 'g', createdAt: 1 }).then(
        () => console.log('created'),
        (error) => console.log(error.code + ': ' + error.message),
      );`;
    const args = [...flags, '--input-type=module', '-e', program];
    return spawnSync(process.execPath, args, { encoding: 'utf8' });
  }

  test('is loaded without a warning on the terminal', () => {
    using folder = testFolder();
    const { stdout, stderr } = use(join(folder.path, 'x.db'));
    expect({ stdout, stderr }).toEqual({ stdout: 'created\n', stderr: '' });
  });

  test('leads to an error with a remedy where it is missing', () => {
    using folder = testFolder();
    const { stdout } = use(join(folder.path, 'x.db'), '--no-experimental-sqlite');
    expect(stdout).toMatch(
      /^journal_failed: sqliteJournal\(\) needs the node:sqlite of Node 22\.13 or newer/,
    );
  });
});

describe('sqliteJournal() rejects', () => {
  test.each([
    ['no place', {}, 'sqliteJournal() needs either a directory or a file, as a path'],
    ['two places', { directory: 'a', file: 'b' }, 'needs either a directory or a file, as a path'],
    ['an empty path', { directory: '' }, 'needs either a directory or a file, as a path'],
    ['an unknown option', { directoy: 'a' }, 'no option "directoy". Did you mean "directory"?'],
    ['an unknown durability', { file: 'a', durability: 'off' }, "must be 'full' or 'normal'"],
    ['a lease without a length', { file: 'a', leaseMs: 0 }, 'leaseMs must be a positive number'],
  ])('%s', (_, options, message) => {
    expect(() => sqliteJournal(options as never)).toThrow(message);
  });
});
