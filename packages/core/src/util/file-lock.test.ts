import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { lockFile } from './file-lock.js';

const folder = mkdtempSync(join(tmpdir(), 'file-lock-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('one at a time has the lock, also within a process', async () => {
  const file = join(folder, 'a');
  const lock = await lockFile(file);
  expect(await lockFile(file)).toEqual({ holder: process.pid });
  if (lock.holder === undefined) await lock.release();
  expect(existsSync(`${file}.lock`)).toBe(false);
  expect((await lockFile(file)).holder).toBeUndefined();
});

test.each([
  ['that lives', String(process.ppid), process.ppid],
  ['that has died', '999999999', undefined],
  ['with the same id in an earlier container', String(process.pid), undefined],
  ['that nobody knows', '', undefined],
])('the lock of a process %s', async (name, text, holder) => {
  const file = join(folder, name);
  writeFileSync(`${file}.lock`, text);
  expect((await lockFile(file)).holder).toBe(holder);
});

test('a folder that is missing is an error', async () => {
  await expect(lockFile(join(folder, 'none', 'a'))).rejects.toMatchObject({ code: 'ENOENT' });
});
