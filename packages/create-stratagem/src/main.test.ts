import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { main } from './main.js';
import { namesOf } from './names.js';

let directory: string;
let out = '';
let error = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'create-stratagem-'));
  out = '';
  error = '';
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const run = (...args: string[]) =>
  main(args, {
    directory,
    out: (text) => {
      out += text;
    },
    error: (text) => {
      error += text;
    },
  });

const read = (path: string) => readFileSync(join(directory, path), 'utf8');
const filesIn = (folder: string) =>
  readdirSync(join(directory, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort();

describe('a project', () => {
  test('has a plan, a test on recorded answers and a script', async () => {
    expect(await run('My Shop')).toBe(0);
    expect(filesIn('My Shop')).toEqual([
      ...['.gitignore', 'README.md', 'answers.jsonl', 'main.ts', 'package.json', 'plan.test.ts'],
      ...['plan.ts', 'record.ts', 'runner.ts', 'tsconfig.json'],
    ]);
    expect(JSON.parse(read('My Shop/package.json'))).toMatchObject({
      name: 'my-shop',
      dependencies: { '@stratagem/core': '^0.1.0', '@stratagem/simulated': '^0.1.0' },
    });
    expect(read('My Shop/README.md')).toContain('# my-shop');
    expect(out).toContain('cd "My Shop"\n');
  });

  test.each([
    ['openai', 'openai', 'OPENAI_API_KEY'],
    ['anthropic', '@anthropic-ai/sdk', 'ANTHROPIC_API_KEY'],
  ])('for %s has its SDK and a place for its key', async (runner, sdk, key) => {
    expect(await run('.', '--runner', runner)).toBe(0);
    const { dependencies } = JSON.parse(read('package.json'));
    expect(Object.keys(dependencies)).toEqual(
      expect.arrayContaining([sdk, `@stratagem/${runner}`]),
    );
    expect(read('src/runner.ts')).toContain(`from '@stratagem/${runner}'`);
    expect(read('.env.example')).toBe(`${key}=\n`);
    expect(out).toContain('cp .env.example .env');
    expect(out).not.toContain('cd .');
  });

  test('is never written over other files', async () => {
    mkdirSync(join(directory, 'used'));
    writeFileSync(join(directory, 'used/notes.txt'), 'mine');
    expect(await run('used')).toBe(2);
    expect(error).toBe('used is not empty: choose another folder, or remove what is there\n');
    expect(filesIn('used')).toEqual(['notes.txt']);
    expect(await run('used/notes.txt')).toBe(2);
    expect(error).toContain('used/notes.txt is a file: choose another folder\n');
  });
});

describe('a part', () => {
  beforeEach(() => writeFileSync(join(directory, 'package.json'), '{}'));

  test.each(['strategy', 'provider', 'journal'])('%s comes with its test', async (part) => {
    expect(await run(part, 'shop-2-go')).toBe(0);
    expect(read('src/shop-2-go.ts')).toContain('export function shop2Go(');
    expect(read('test/shop-2-go.test.ts')).toContain("from '../src/shop-2-go.ts'");
    expect(read('src/shop-2-go.ts') + read('test/shop-2-go.test.ts')).not.toMatch(/my-?part/i);
    expect(await run(part, 'shop-2-go')).toBe(2);
    expect(error).toBe('src/shop-2-go.ts exists already: choose another name\n');
  });

  test.each([
    ['strategy', 'class'],
    ['strategy', 'heap'],
    ['provider', 'test'],
    ['journal', 'journal'],
    ['journal', 'append-line'],
  ])('a %s cannot be called "%s": its code would not compile', async (part, name) => {
    expect(await run(part, name)).toBe(2);
    expect(error).toBe(
      `the code of a ${part} cannot have the name "${name}": choose another name\n`,
    );
    expect(filesIn('.')).toEqual(['package.json']);
  });

  test('needs the folder of a project', async () => {
    rmSync(join(directory, 'package.json'));
    expect(await run('strategy', 'mine')).toBe(2);
    expect(error).toContain('there is no package.json here');
  });
});

test.each([
  [['strategy'], 'which name? Such as: npm create stratagem strategy my-strategy'],
  [['strategy', 'Mine'], 'the name "Mine" must be like my-strategy'],
  [['robot', 'r2'], 'robot is no part; there are strategy, provider, journal'],
  [['a', 'b', 'c'], 'unknown argument c'],
  [['  '], 'the name of the folder is empty'],
  [['node_modules'], 'no package can have the name node_modules'],
  [['a', '--runner', 'gpt'], '--runner gpt: there is no such runner'],
  [['--force'], "Unknown option '--force'"],
])('%j is refused: %s', async (args, message) => {
  expect(await run(...args)).toBe(2);
  expect(error).toContain(message);
  expect(readdirSync(directory)).toEqual([]);
});

test('says how it is used, and its version', async () => {
  expect(await run('--help')).toBe(0);
  expect(out).toContain('usage: npm create stratagem');
  await run('--version');
  expect(out).toMatch(/\d+\.\d+\.\d+\n$/);
});

test('a name has the forms that code needs', () => {
  expect(namesOf('shortest-first')).toEqual({
    ...{ file: 'shortest-first', value: 'shortestFirst', type: 'ShortestFirst' },
  });
  for (const name of ['', 'A', '1a', 'a--b', 'a-', '../a']) expect(namesOf(name)).toBeUndefined();
});
