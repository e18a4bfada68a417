import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { EventData } from '@stratagem/core';
import { all, completed, newRun } from '@stratagem/server-kit/events';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type TestFolder, testFolder } from '../test/folder.js';
import { JournalFile } from './journal-file.js';
import { journalSettings } from './options.js';
import { sqliteJournal } from './sqlite-journal.js';

const APPENDER = fileURLToPath(new URL('../test/append-until-it-fails.js', import.meta.url));

/** A journal of two runs whose process was killed, with every event that was acknowledged. */
async function killed(count = 40): Promise<{ folder: TestFolder; events: EventData[] }> {
  using folder = testFolder();
  await using journal = sqliteJournal({ directory: folder.path });
  const events = Array.from({ length: count }, (_, n) =>
    completed(n, `output ${n} `.repeat(n * 3)),
  );
  const other = await journal.create(newRun('other'));
  await other.append(events.slice(0, 5));
  const run = await journal.create(newRun('a'));
  for (const event of events) await run.append([event]);
  return { folder: folder.image(), events };
}

/** What is read of run "a", or the error that says why nothing is. */
async function attempt(
  directory: string,
): Promise<EventData[] | { code: string; message: string }> {
  await using journal = sqliteJournal({ directory });
  try {
    return await all(journal, 'a');
  } catch (error) {
    return error as { code: string; message: string };
  }
}

describe('a full disk', () => {
  // A limit on the size of files is what can be set without being root.
  test.skipIf(process.platform === 'win32').each(['full', 'normal'])(
    'is a clear error under durability %s, and takes nothing that was acknowledged',
    async (durability) => {
      using folder = testFolder();
      const script = `ulimit -f 800; exec "$0" "$1" "$2" ${durability}`;
      const args = ['-c', script, process.execPath, APPENDER, folder.path];
      const { stdout } = await promisify(execFile)('sh', args);
      const { acknowledged, code, message } = JSON.parse(stdout);
      expect({ code, message }).toMatchObject({
        code: 'journal_full',
        message: expect.stringMatching(
          /journal\.db: no space left .*: free some space, then resume/,
        ),
      });
      expect(acknowledged).toBeGreaterThan(5);
      await using journal = sqliteJournal({ directory: folder.path });
      const run = await journal.open('a');
      expect(run.events.length).toBeGreaterThanOrEqual(acknowledged);
      expect(run.events.map(({ sequence }) => sequence)).toEqual([...run.events.keys()]);
      await run.append([completed(run.events.length, 'and on')]);
    },
  );

  test('leaves the journal usable once space is free again', async () => {
    using folder = testFolder();
    const file = JournalFile.open(journalSettings({ directory: folder.path }));
    const limit = (pages: number) =>
      file.database.statement(`PRAGMA max_page_count = ${pages}`).get();
    const journal = sqliteJournal({ directory: folder.path });
    const run = await journal.create(newRun('a'));
    await run.append([completed(0, 'x')]);
    limit(12);
    const grow = () =>
      file.guard(() =>
        file.database.transaction(() => {
          file.database
            .statement('INSERT INTO contents (hash, text) VALUES (?, ?)')
            .run(Buffer.from('h'), 'x'.repeat(100_000));
        }),
      );
    expect(grow).toThrow(expect.objectContaining({ code: 'journal_full' }));
    await run.append([completed(1, 'y')]);
    limit(1_000);
    grow();
    expect(await all(journal, 'a')).toEqual([completed(0, 'x'), completed(1, 'y')]);
    await file.close();
    await journal.close();
  });
});

describe('a log that was cut off', () => {
  test('within unacknowledged events loses only those', async () => {
    using folder = testFolder();
    await using journal = sqliteJournal({ directory: folder.path });
    const run = await journal.create(newRun('a'));
    await run.append([completed(0, 'x')]);
    const size = readFileSync(join(folder.path, 'journal.db-wal')).length;
    const pending = run.append([completed(1, 'y'.repeat(20_000))]);
    using image = folder.image();
    await pending;
    truncateSync(join(image.path, 'journal.db-wal'), size + 5_000);
    expect(await attempt(image.path)).toEqual([completed(0, 'x')]);
  });

  test('within acknowledged events is a clear error, at any position', async () => {
    const { folder, events } = await killed();
    using _ = folder;
    const { length } = readFileSync(join(folder.path, 'journal.db-wal'));
    for (const size of [0, 20, 40_000, length >> 1, length - 4_000, length - 1]) {
      using image = folder.image();
      truncateSync(join(image.path, 'journal.db-wal'), size);
      expect(await attempt(image.path)).toMatchObject({
        code: 'journal_corrupt',
        message: expect.stringMatching(/is damaged.*are missing: .*cut off/),
      });
    }
    expect(await attempt(folder.path)).toEqual(events);
  });

  test('can be continued without the missing events after the user confirms', async () => {
    const { folder, events } = await killed();
    using _ = folder;
    const { length } = readFileSync(join(folder.path, 'journal.db-wal'));
    truncateSync(join(folder.path, 'journal.db-wal'), length - 1);
    truncateSync(join(folder.path, 'journal.db-acknowledged'), 0);
    expect(await attempt(folder.path)).toEqual(events.slice(0, -1));
  });
});

describe('a damaged byte', () => {
  test.each(['journal.db', 'journal.db-wal'])(
    'anywhere in %s is a clear error, or changes nothing',
    async (name) => {
      const { folder, events } = await killed();
      using _ = folder;
      if (name === 'journal.db') {
        // Closing it moves everything from the log into the file.
        const journal = sqliteJournal({ directory: folder.path });
        await journal.list();
        await journal.close();
      }
      const bytes = readFileSync(join(folder.path, name));
      expect(bytes.length).toBeGreaterThan(50_000);
      let errors = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 0, max: bytes.length - 1 }),
          fc.integer({ min: 1, max: 255 }),
          async (at, change) => {
            using image = folder.image();
            const damaged = Buffer.from(bytes);
            damaged[at] = (damaged[at] as number) ^ change;
            writeFileSync(join(image.path, name), damaged);
            const result = await attempt(image.path);
            if (!Array.isArray(result)) {
              errors++;
              expect(['journal_corrupt', 'journal_newer', 'run_not_found']).toContain(result.code);
              expect(result.message).toContain('journal.db');
            } else expect(result).toEqual(events);
          },
        ),
        { numRuns: 120 },
      );
      expect(errors).toBeGreaterThan(10);
    },
  );

  test.each([
    ['contents', 'text', 'CAST(text AS BLOB)'],
    ['contents', 'text', '5'],
    ['events', 'event', 'CAST(event AS BLOB)'],
    ['events', 'event', '5'],
    ['events', 'checksum', '9223372036854775807'],
    ['runs', 'summary', 'CAST(summary AS BLOB)'],
    ['runs', 'checksum', '9223372036854775807'],
  ])('that changes the type of %s.%s, to %s, is a clear error', async (table, column, value) => {
    const { folder } = await killed();
    using _ = folder;
    const file = join(folder.path, 'journal.db');
    /** Without the types of the columns, the table takes any value. */
    const change = (sql: string) => {
      const database = new DatabaseSync(file, { defensive: false });
      database.exec(`PRAGMA writable_schema = ON; ${sql}`);
      database.close();
    };
    const schema = new DatabaseSync(file);
    const { sql } = schema.prepare('SELECT sql FROM sqlite_schema WHERE name = ?').get(table) as {
      sql: string;
    };
    schema.close();
    const write = (text: string) =>
      change(
        `UPDATE sqlite_schema SET sql = '${text.replaceAll("'", "''")}' WHERE name = '${table}'`,
      );
    write(sql.replace(/ STRICT,?/, '').replaceAll(/(\n *\w+) (TEXT|BLOB)\b/g, '$1 BLOB'));
    change(`UPDATE ${table} SET ${column} = ${value}`);
    write(sql);
    expect(await attempt(folder.path)).toMatchObject({
      code: 'journal_corrupt',
      message: expect.stringContaining('journal.db'),
    });
  });

  test('in the name of a column is a clear error, or has no effect', async () => {
    const { folder, events } = await killed();
    using _ = folder;
    const journal = sqliteJournal({ directory: folder.path });
    await journal.list();
    await journal.close();
    const file = join(folder.path, 'journal.db');
    const bytes = readFileSync(file);
    const schema = bytes.subarray(0, 4_096).toString('latin1');
    const columns = [...schema.matchAll(/\n? *(\w+) (INTEGER|TEXT|BLOB)\b/g)];
    expect(columns.length).toBeGreaterThan(5);
    for (const { index, 0: text } of columns) {
      using image = folder.image();
      const damaged = Buffer.from(bytes);
      // The first letter of its name becomes its neighbour.
      const at = index + text.search(/\w/);
      damaged[at] = (damaged[at] as number) ^ 1;
      writeFileSync(join(image.path, 'journal.db'), damaged);
      const result = await attempt(image.path);
      if (Array.isArray(result)) expect(result, text).toEqual(events);
      else expect(result, text).toMatchObject({ code: 'journal_corrupt' });
    }
  });

  test('in one run leaves the others readable', async () => {
    const { folder } = await killed();
    using _ = folder;
    const file = join(folder.path, 'journal.db');
    const database = new DatabaseSync(file);
    database.exec("UPDATE events SET event = replace(event, 'task-3', 'task-4') WHERE run = 2");
    database.exec('DELETE FROM leases'); // Its owner, this process, is still there.
    database.close();
    expect(await attempt(folder.path)).toMatchObject({
      code: 'journal_corrupt',
      runId: 'a',
      message: expect.stringContaining(
        'damaged in run "a": record 3 differs from what was written',
      ),
    });
    await using journal = sqliteJournal({ directory: folder.path });
    expect(await all(journal, 'other')).toHaveLength(5);
    await expect(journal.open('a')).rejects.toMatchObject({ code: 'journal_corrupt' });
    // The lease was not kept by the try.
    await expect(journal.open('a')).rejects.toMatchObject({ code: 'journal_corrupt' });
  });

  test.each([
    [
      'UPDATE events SET run = 1, position = 5 WHERE run = 2 AND position = 39',
      'record 39 of 40 is missing',
    ],
    ['DELETE FROM events WHERE run = 2 AND position = 7', 'record 7 of 40 is missing'],
    ["UPDATE contents SET text = text || ' '", 'differs from what was written'],
    ['DELETE FROM contents', 'differs from what was written'],
    [
      "UPDATE runs SET summary = replace(summary, 'goal of a', 'another') WHERE run = 2",
      'its entry',
    ],
    ['DELETE FROM runs WHERE run = 2', 'whole runs are missing'],
  ])('is noticed even where SQLite finds no error: %s', async (sql, message) => {
    const { folder } = await killed();
    using _ = folder;
    const database = new DatabaseSync(join(folder.path, 'journal.db'));
    database.exec(sql);
    database.close();
    expect(await attempt(folder.path)).toMatchObject({
      code: 'journal_corrupt',
      message: expect.stringContaining(message),
    });
  });

  test('in the index of completions never returns the output of another task', async () => {
    using folder = testFolder();
    await using journal = sqliteJournal({ directory: folder.path });
    const run = await journal.create(newRun('a'));
    await run.append([
      { ...completed(0, 'x'), contentKey: 'of x' },
      { ...completed(1, 'y'), contentKey: 'of y' },
    ]);
    const database = new DatabaseSync(join(folder.path, 'journal.db'));
    database.exec("UPDATE completions SET position = 1 WHERE content_key = 'of x'");
    database.close();
    await expect(journal.lookup('of x')).rejects.toMatchObject({
      code: 'journal_corrupt',
      runId: 'a',
      message: expect.stringContaining('record 1 is not the completion'),
    });
    expect((await journal.lookup('of y'))?.event.output).toBe('y');
  });
});

describe('a foreign file', () => {
  test('that is a journal of a newer version is reported and not changed', async () => {
    const { folder } = await killed();
    using _ = folder;
    const file = join(folder.path, 'journal.db');
    const database = new DatabaseSync(file);
    database.exec('PRAGMA user_version = 2');
    database.close();
    const before = readFileSync(file);
    expect(await attempt(folder.path)).toMatchObject({
      code: 'journal_newer',
      message: `${file} was written by a newer @stratagem/sqlite (format 2; this one reads 1): update the package`,
    });
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  test('that is a database of another program is rejected', async () => {
    using folder = testFolder();
    const file = join(folder.path, 'mail.db');
    const database = new DatabaseSync(file);
    database.exec('CREATE TABLE mail (subject TEXT)');
    database.close();
    const journal = sqliteJournal({ file });
    await expect(journal.create(newRun('a'))).rejects.toMatchObject({
      code: 'journal_corrupt',
      message: `${file} is the database of another program, not a journal; use another file`,
    });
    await journal.close();
  });

  test('that is text is rejected', async () => {
    using folder = testFolder();
    const file = join(folder.path, 'notes.txt');
    writeFileSync(file, 'not for you '.repeat(200));
    const journal = sqliteJournal({ file });
    await expect(journal.list()).rejects.toMatchObject({ code: 'journal_corrupt' });
    await journal.close();
    expect(readFileSync(file, 'utf8')).toContain('not for you');
  });
});

describe.skipIf(process.platform === 'win32')('a folder that is read-only', () => {
  test('is a clear error, whether it is empty or contains a journal', async () => {
    const { folder } = await killed();
    using _ = folder;
    using empty = testFolder();
    const program = (directory: string) => `
      const { sqliteJournal } = await import(${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)});
      const journal = sqliteJournal({ directory: ${JSON.stringify(directory)} });
      const codes = [];
      for (const use of [() => journal.create({ id: 'b', goal: 'g', createdAt: 1 }), () => journal.open('a')]) {
        try { await use(); codes.push('done'); } catch (error) { codes.push(error.code + ' ' + error.message); }
      }
      console.log(JSON.stringify(codes));`;
    // Permissions stop everybody but root.
    const options = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    const tried = [folder.path, empty.path].map((path) => {
      chmodSync(path, 0o555);
      for (const each of path === empty.path ? [] : ['', '-wal', '-shm', '-acknowledged']) {
        chmodSync(join(path, `journal.db${each}`), 0o444);
      }
      const args = ['--input-type=module', '-e', program(path)];
      return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', ...options }));
    });
    const readOnly = expect.stringMatching(/^journal_read_only .*must be writable/);
    expect(tried).toEqual([
      [readOnly, readOnly],
      [readOnly, expect.stringMatching(/^run_not_found/)],
    ]);
  });
});
