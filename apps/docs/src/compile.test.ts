import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Example, examples } from './examples.js';
import { repositoryFiles, root } from './pages.js';

/** A file that every system can start, unlike those of `.bin`. */
const tsc = join(root, 'node_modules/typescript/bin/tsc');

/** The published packages must be here, so that the examples find them as a user's project would. */
test('this package depends on every published package', () => {
  const published = repositoryFiles('packages/{*,*/*}/package.json')
    .map((file) => JSON.parse(readFileSync(join(root, file), 'utf8')))
    .filter((manifest) => !manifest.private)
    .map(({ name }) => name)
    // The others only start a command.
    .filter((name) => name.startsWith('@stratagem/'));
  const own = JSON.parse(readFileSync(join(root, 'apps/docs/package.json'), 'utf8'));
  expect(Object.keys(own.devDependencies)).toEqual(expect.arrayContaining(published));
});

test('all TypeScript of the documentation compiles under a fresh tsc --init', () => {
  const programs = examples.filter(({ language }) => language === 'ts');
  expect(programs.length).toBeGreaterThan(80);
  const folder = join(import.meta.dirname, '../.compiled');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  try {
    execFileSync(process.execPath, [tsc, '--init'], { cwd: folder, stdio: 'ignore' });
    const names = new Map<string, Example>();
    for (const example of programs) {
      const name = `${example.file.replaceAll('/', '_')}-${example.line}.mts`;
      names.set(name, example);
      writeFileSync(join(folder, name), example.setup + example.code + example.after);
    }
    const options = ['--noEmit', '--pretty', 'false', '--types', 'node'];
    const { stdout } = spawnSync(process.execPath, [tsc, '-p', '.', ...options], {
      cwd: folder,
      encoding: 'utf8',
    });
    const problems = stdout.split('\n').flatMap((text) => {
      const [, name = '', line, rest] = /^(.+?)\((\d+),\d+\): (.*)$/.exec(text) ?? [];
      const example = names.get(name);
      if (example === undefined) return text.startsWith('error') ? [text] : [];
      const hidden = example.setup.split('\n').length - 1;
      return [`${example.file}:${example.line + Number(line) - hidden} ${rest}`];
    });
    expect(problems).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
