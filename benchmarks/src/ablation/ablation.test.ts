import { adaptive } from '@stratagem/adaptive';
import { fixedLatency, overload, summarize } from '@stratagem/simulation';
import { expect, test } from 'vitest';
import { play } from '../regret/cell.js';
import { batchOf } from '../regret/matrix.js';
import { fixed } from '../regret/strategies.js';
import { cellsOf } from './matrix.js';
import { mechanisms } from './mechanisms.js';
import { faulty } from './servers.js';

test('every mechanism can be switched off and on again', async () => {
  const startsOf = () =>
    play(batchOf(64)(1), overload({ capacity: 4, kind: 'server_error' }), 1, adaptive())
      .timeline.filter(({ type }) => type === 'task_started')
      .map(({ timestamp }) => timestamp);
  const on = startsOf();
  // A method that is to be replaced, and is not found, is an error.
  const switches = Object.values(await mechanisms());
  expect(switches.length).toBeGreaterThan(5);
  const restore = switches.map((switchOff) => switchOff());
  expect(startsOf()).not.toEqual(on);
  for (const each of restore) each();
  expect(startsOf()).toEqual(on);
});

test('the cells are those of the regret matrix and new ones', () => {
  const cells = cellsOf(1);
  expect(cells.filter(({ isNew }) => !isNew)).toHaveLength(9 * 23);
  expect(new Set(cells.map(({ workload, server }) => `${workload.name} ${server.name}`)).size).toBe(
    cells.length,
  );
});

test.each([
  ['timeout', 60_000],
  ['server_error', 1_000],
] as const)('a faulty server fails at random with a %s', (kind, atLeastMs) => {
  const server = faulty(fixedLatency(), { share: 0.1, kind });
  const run = () => summarize(play(batchOf(200)(1), server, 1, fixed(4).create()));
  const { status, overloaded, makespanMs } = run();
  expect(status).toBe('completed');
  expect(overloaded).toBeGreaterThan(10);
  expect(overloaded).toBeLessThan(40);
  expect(makespanMs).toBeGreaterThan(atLeastMs);
  expect(run()).toEqual(run());
});
