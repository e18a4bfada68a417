import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { expect, test } from 'vitest';

/** The rooms of this package, and the rooms that each may import from; see ARCHITECTURE.md. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  util: [],
  contract: ['util'],
  graph: ['contract', 'util'],
  validate: ['graph', 'contract', 'util'],
  serialize: ['validate', 'graph', 'contract', 'util'],
  document: ['validate', 'contract', 'util'],
  provider: ['contract', 'util'],
  state: ['graph', 'contract', 'util'],
  analysis: ['kernel', 'state', 'graph', 'contract', 'util'],
  kernel: ['state', 'serialize', 'validate', 'graph', 'contract', 'util'],
  journal: ['kernel', 'state', 'serialize', 'graph', 'contract', 'util'],
  runtime: ['journal', 'kernel', 'state', 'serialize', 'validate', 'graph', 'contract', 'util'],
  coordinator: ['runtime', 'document', 'journal', 'serialize', 'validate', 'contract'],
  simulate: ['analysis', 'kernel', 'state', 'graph', 'serialize', 'validate', 'contract', 'util'],
  conformance: ['simulate', 'runtime', 'serialize', 'state', 'contract'],
};

const files = globSync('*/**/*.ts', { cwd: import.meta.dirname }).filter(
  (file) => !/\.test(-d)?\.ts$/.test(file),
);

interface Import {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const imports = files.flatMap((file): Import[] => {
  const text = readFileSync(join(import.meta.dirname, file), 'utf8');
  const targets = Array.from(text.matchAll(/from '(\.[^']+)'/g), ([, path = '']) =>
    normalize(join(dirname(file), path)),
  );
  const roomOf = (path: string) => path.split(sep)[0] as string;
  return targets.map((target) => ({ file, from: roomOf(file), to: roomOf(target) }));
});

test('every file stands in a room', () => {
  expect(new Set(files.map((file) => file.split(sep)[0]))).toEqual(new Set(Object.keys(ROOMS)));
});

test('imports between rooms point one way', () => {
  const wrong = imports.filter(({ from, to }) => from !== to && !ROOMS[from]?.includes(to));
  expect(wrong).toEqual([]);
});

test('every arrow between rooms is used', () => {
  const used = new Set(imports.map(({ from, to }) => `${from} → ${to}`));
  const unused = Object.entries(ROOMS).flatMap(([from, rooms]) =>
    rooms.map((to) => `${from} → ${to}`).filter((arrow) => !used.has(arrow)),
  );
  expect(unused).toEqual([]);
});

test('this package needs no other one but zod: no client of a server or a queue', () => {
  const all = globSync('**/*.ts', { cwd: import.meta.dirname }).filter(
    (file) => !/\.test(-d)?\.ts$/.test(file),
  );
  const packages = all.flatMap((file) => {
    const text = readFileSync(join(import.meta.dirname, file), 'utf8');
    const found = text.matchAll(
      /(?:^|\n)(?:import|export)\b[^;]*?from '([^'.][^']*)'|import\('([^'.][^']*)'\)/g,
    );
    return Array.from(found, ([, name, loaded]) => (name ?? loaded) as string);
  });
  const foreign = new Set(packages.filter((name) => !name.startsWith('node:')));
  expect([...foreign]).toEqual(['zod']);
});
