import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createExecutor, createPlan } from '@stratagem/core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { outputFolder } from './index.js';

let base = '';
beforeEach(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'stratagem-node-')));
});
afterEach(() => rm(base, { recursive: true }));

test('writes files, replaces them, and leaves no temporary ones', async () => {
  const files = outputFolder(join(base, 'out'));
  await files.write('a.md', 'one');
  await files.write('a.md', 'two');
  await files.write('deep/er/b.bin', new Uint8Array([1, 2]));
  expect(await readFile(join(base, 'out/a.md'), 'utf8')).toBe('two');
  expect([...(await readFile(join(base, 'out/deep/er/b.bin')))]).toEqual([1, 2]);
  expect((await readdir(join(base, 'out'), { recursive: true })).toSorted()).toEqual([
    'a.md',
    'deep',
    'deep/er',
    'deep/er/b.bin',
  ]);
});

test('makes folders that several tasks need at once', async () => {
  const files = outputFolder(base);
  await Promise.all(['a', 'b', 'c', 'd'].map((name) => files.write(`x/y/${name}`, name)));
  expect(await readdir(join(base, 'x/y'))).toHaveLength(4);
});

test.each(['../x', 'a/../../x', '/x', 'a//x', '.', 'C:/x', 'a\\..\\x', ''])(
  'refuses the path %j by itself',
  async (path) => {
    await expect(outputFolder(join(base, 'out')).write(path, 'x')).rejects.toThrow('the path');
    expect(await readdir(base)).toEqual([]);
  },
);

test('follows no symbolic link out of the folder', async () => {
  const outside = join(base, 'outside');
  const out = join(base, 'out');
  await mkdir(outside);
  await mkdir(out);
  await symlink(outside, join(out, 'link'));
  await writeFile(join(outside, 'victim'), 'untouched');
  await symlink(join(outside, 'victim'), join(out, 'victim'));
  const files = outputFolder(out);
  await expect(files.write('link/x', 'x')).rejects.toThrow('is a symbolic link');
  await expect(files.write('victim', 'x')).rejects.toThrow('not a plain file');
  expect(await readFile(join(outside, 'victim'), 'utf8')).toBe('untouched');
  expect(await readdir(outside)).toEqual(['victim']);
});

test('may itself be a symbolic link', async () => {
  await mkdir(join(base, 'real'));
  await symlink(join(base, 'real'), join(base, 'link'));
  await outputFolder(join(base, 'link')).write('a', 'x');
  expect(await readdir(join(base, 'real'))).toEqual(['a']);
});

test('says what stands in the way', async () => {
  const files = outputFolder(base);
  await mkdir(join(base, 'folder'));
  await files.write('file', 'x');
  await expect(files.write('folder', 'x')).rejects.toThrow('is a directory');
  await expect(files.write('file/x', 'x')).rejects.toThrow('is not a directory');
  expect(() => outputFolder(' ')).toThrow('needs the path of a folder');
});

test('saves the outputs of a plan', async () => {
  const executor = createExecutor({
    strategy: { name: 'one', begin: () => firstReady() },
    files: outputFolder(base),
  });
  const plan = createPlan('Notes')
    .addTask({ id: 'list', run: () => [{ id: 'a' }, { id: 'b' }] })
    .addTask({
      id: 'each',
      dependencies: ['list'],
      forEach: 'list',
      run: ({ item }) => ({ was: item.id }),
      save: 'out/{{item.id}}.json',
    });
  const result = await executor.execute(plan);
  expect(result.tasks.map(({ savedTo }) => savedTo)).toContain('out/b.json');
  expect(JSON.parse(await readFile(join(base, 'out/b.json'), 'utf8'))).toEqual({ was: 'b' });
});

function firstReady<T>() {
  const ready: T[] = [];
  return { ready: (task: T) => void ready.push(task), next: () => ready.shift() };
}
