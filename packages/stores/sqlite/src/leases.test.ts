import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { all, completed, newRun } from '@stratagem/server-kit/events';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type TestFolder, testFolder } from '../test/folder.js';
import { sqliteJournal } from './sqlite-journal.js';

const HOLDER = fileURLToPath(new URL('../test/hold-lease.js', import.meta.url));

afterEach(() => {
  vi.useRealTimers();
});

/** Makes the lease of run "a" one that a process of another machine took. */
function moveLease(folder: TestFolder): void {
  const database = new DatabaseSync(join(folder.path, 'journal.db'));
  database.exec("UPDATE leases SET machine = 'elsewhere boot namespace', pid = 4321");
  database.close();
}

describe('the lease of a run', () => {
  test('is held by one of two processes, and released as soon as that process is killed', async () => {
    using folder = testFolder();
    await using journal = sqliteJournal({ directory: folder.path });
    await (await journal.create(newRun('a'))).close();
    const holder = spawn(process.execPath, [HOLDER, folder.path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(holder.stdout, 'data');
    await expect(journal.open('a')).rejects.toMatchObject({
      code: 'run_locked',
      runId: 'a',
      message: expect.stringMatching(
        `^Run "a" is running in process ${holder.pid}. If that process has crashed, the run can be resumed in (30|2.) s$`,
      ),
    });
    expect(await journal.list()).toMatchObject([{ id: 'a', status: 'created' }]);
    holder.kill('SIGKILL');
    await once(holder, 'close');
    expect(await journal.list()).toMatchObject([{ id: 'a', status: 'interrupted' }]);
    await journal.open('a');
  });

  test.each([-40_000, 40_000])(
    'is kept by a living process whose clock differs by %i ms, until it misses a renewal',
    async (aheadMs) => {
      using folder = testFolder();
      await using journal = sqliteJournal({ directory: folder.path });
      await (await journal.create(newRun('a'))).close();
      const args = [HOLDER, folder.path, `${aheadMs}`, '2000'];
      const holder = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      try {
        await once(holder.stdout, 'data');
        await expect(journal.open('a')).rejects.toMatchObject({
          code: 'run_locked',
          message: expect.stringContaining('the run can be resumed in 2 s'),
        });
        expect(await journal.list()).toMatchObject([{ id: 'a', status: 'created' }]);
        holder.kill('SIGSTOP');
        const taken = await journal.open('a');
        await taken.append([completed(0, 'x')]);
      } finally {
        holder.kill('SIGKILL');
      }
    },
  );

  test('of a process on another machine expires', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] });
    using folder = testFolder();
    await using journal = sqliteJournal({ directory: folder.path, leaseMs: 90_000 });
    await journal.create(newRun('a'));
    moveLease(folder);
    await using other = sqliteJournal({ directory: folder.path });
    vi.setSystemTime(Date.now() + 50_000);
    await expect(other.open('a')).rejects.toThrow(
      'Run "a" is running in process 4321 on elsewhere. If that process has crashed, the run can be resumed in 40 s',
    );
    vi.setSystemTime(Date.now() + 40_000);
    await other.open('a');
  });

  test('is renewed while its owner lives', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] });
    using folder = testFolder();
    const journal = sqliteJournal({ directory: folder.path });
    const run = await journal.create(newRun('a'));
    moveLease(folder);
    await using other = sqliteJournal({ directory: folder.path });
    vi.advanceTimersByTime(3_600_000);
    await expect(other.open('a')).rejects.toMatchObject({ code: 'run_locked' });
    await run.close();
    await other.open('a');
    expect(vi.getTimerCount()).toBe(1); // That of the other one alone.
    await journal.close();
  });

  test('prevents a suspended process from writing to a run that was taken over', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    using folder = testFolder();
    await using slow = sqliteJournal({ directory: folder.path, leaseMs: 5_000 });
    const run = await slow.create(newRun('a'));
    await run.append([completed(0, 'x')]);
    moveLease(folder);
    vi.setSystemTime(Date.now() + 5_000);
    await using quick = sqliteJournal({ directory: folder.path });
    const taken = await quick.open('a');
    await taken.append([completed(1, 'by the other')]);
    expect(() => run.append([completed(1, 'too late')])).toThrow(
      'Run "a" was taken over by another process, because this one was suspended for 5000 ms or more',
    );
    await run.close();
    await taken.append([completed(2, 'and on')]);
    expect(await all(quick, 'a')).toEqual([
      completed(0, 'x'),
      completed(1, 'by the other'),
      completed(2, 'and on'),
    ]);
  });

  test('is still valid after a suspension when no other process took it', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    using folder = testFolder();
    await using journal = sqliteJournal({ directory: folder.path });
    const run = await journal.create(newRun('a'));
    vi.setSystemTime(Date.now() + 3_600_000);
    await run.append([completed(0, 'x')]);
  });
});
