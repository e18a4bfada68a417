import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { expect, test } from 'vitest';

/**
 * The rooms of this package, and the rooms that each may import from.
 *
 * - `estimate`: the posterior over what the server is.
 * - `decide`: a pure function from the estimate and the situation to a limit, with the reason.
 * - `limits`: what bounds the limit or delays starts: announced quotas, pace, ceilings.
 * - `scheduler`: the parts together, as a strategy.
 */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  estimate: [],
  decide: ['estimate'],
  limits: ['estimate'],
  scheduler: ['decide', 'limits', 'estimate'],
};

const files = globSync('*/**/*.ts', { cwd: import.meta.dirname }).filter(
  (file) => !/\.test(-d)?\.ts$/.test(file),
);

const roomOf = (path: string) => path.split(sep)[0] as string;

const arrows = files.flatMap((file) => {
  const text = readFileSync(join(import.meta.dirname, file), 'utf8');
  return Array.from(text.matchAll(/from '(\.[^']+)'/g), ([, path = '']) => ({
    file,
    from: roomOf(file),
    to: roomOf(normalize(join(dirname(file), path))),
  })).filter(({ from, to }) => from !== to);
});

test('every file is in a room', () => {
  expect(new Set(files.map(roomOf))).toEqual(new Set(Object.keys(ROOMS)));
});

test('imports between rooms point one way', () => {
  expect(arrows.filter(({ from, to }) => !ROOMS[from]?.includes(to))).toEqual([]);
});

test('every arrow between rooms is used', () => {
  const used = new Set(arrows.map(({ from, to }) => `${from} → ${to}`));
  const allowed = Object.entries(ROOMS).flatMap(([from, rooms]) =>
    rooms.map((to) => `${from} → ${to}`),
  );
  expect(allowed.filter((arrow) => !used.has(arrow))).toEqual([]);
});
