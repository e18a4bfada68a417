import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
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

test('of many that ask at the same time, one gets the lock', async () => {
  const file = join(folder, 'many');
  writeFileSync(`${file}.lock`, '999999999');
  const all = await Promise.all(Array.from({ length: 20 }, () => lockFile(file)));
  expect(all.filter(({ holder }) => holder === undefined)).toHaveLength(1);
  expect(readdirSync(folder).filter((name) => name.startsWith('many'))).toEqual(['many.lock']);
});

test('of many processes that find the lock of a dead one, one gets it', {
  timeout: 60_000,
}, async () => {
  const file = join(folder, 'processes');
  writeFileSync(`${file}.lock`, '999999999');
  const module = join(folder, 'file-lock.mjs');
  const source = readFileSync(new URL('./file-lock.ts', import.meta.url), 'utf8');
  writeFileSync(module, stripTypeScriptTypes(source));
  const program = `
    import { lockFile } from ${JSON.stringify(pathToFileURL(module).href)};
    process.stdout.write('ready');
    process.stdin.once('data', async () => {
      const { holder } = await lockFile(${JSON.stringify(file)});
      process.stdout.write(holder === undefined ? ' locked' : ' refused');
      process.stdin.once('end', () => process.exit());
    });
  `;
  const children = Array.from({ length: 6 }, () =>
    spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  );
  const outputs = children.map(() => '');
  const until = (pattern: RegExp) =>
    Promise.all(
      children.map(
        (child, index) =>
          new Promise<void>((resolve) => {
            const look = () => {
              if (pattern.test(outputs[index] as string)) resolve();
            };
            child.stdout.on('data', look);
            look();
          }),
      ),
    );
  for (const [index, child] of children.entries()) {
    child.stdout.on('data', (data) => {
      outputs[index] += data;
    });
  }
  await until(/ready/);
  for (const child of children) child.stdin.write('go');
  await until(/locked|refused/);
  expect(outputs.toSorted()).toEqual(['ready locked', ...Array(5).fill('ready refused')]);
  for (const child of children) child.stdin.end();
  await Promise.all(children.map((child) => new Promise((resolve) => child.once('exit', resolve))));
});

test('a folder with two names has one lock for a file', async () => {
  symlinkSync(folder, join(folder, 'link'));
  expect((await lockFile(join(folder, 'two'))).holder).toBeUndefined();
  expect(await lockFile(join(folder, 'link', 'two'))).toEqual({ holder: process.pid });
});

test('leaves the lock of another process that has taken its place', async () => {
  const file = join(folder, 'taken');
  const lock = await lockFile(file);
  writeFileSync(`${file}.lock`, String(process.ppid));
  if (lock.holder === undefined) await lock.release();
  expect(readFileSync(`${file}.lock`, 'utf8')).toBe(String(process.ppid));
  expect(await lockFile(file)).toEqual({ holder: process.ppid });
});

test('many locks take one listener', async () => {
  const before = process.listenerCount('exit');
  const locks = await Promise.all([1, 2, 3].map((n) => lockFile(join(folder, `listener${n}`))));
  expect(process.listenerCount('exit')).toBeLessThanOrEqual(before + 1);
  for (const lock of locks) if (lock.holder === undefined) await lock.release();
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
