import { batch, concurrencyKnee, fixedLatency } from '@stratagem/simulation';
import { describe, expect, test, vi } from 'vitest';
import { aimd } from './aimd.js';
import { type Cell, runCell } from './cell.js';
import { SERVERS, type ServerCase, WORKLOADS } from './matrix.js';
import { readaptation } from './readaptation.js';
import { fixed, INFORMED, ROWS, STRATEGIES } from './strategies.js';
import { grid, ratio, runOf, summary, worstCells } from './summary.js';

const knee: ServerCase = {
  name: 'knee',
  factor: 1,
  model: (changes) => concurrencyKnee({ knee: 8, changes }),
};
const moving = { ...knee, factor: 4 };
const parallel8 = fixed(8).create;

const serverOf = (name: string) => SERVERS.find((server) => server.name === name) as ServerCase;

describe('a cell', () => {
  const cell = runCell(batch(64), knee, 1, STRATEGIES);

  test('compares runs with the best fixed setting', () => {
    expect([cell.bestFixed, cell.bestMs]).toEqual([8, 8_000]);
    expect(runOf(cell, 'fixed at 8').regret).toBe(1);
    expect(runOf(cell, 'fixed at 4').regret).toBe(2);
    expect(runOf(cell, 'sequential').regret).toBe(8);
  });

  test('has a yardstick that knows the best setting after the first answer', () => {
    // Sixteen at once take 2.8 s on a knee at 8; then the best setting has 48 left, 8 a second.
    const { makespanMs } = runOf(cell, INFORMED);
    expect(makespanMs).toBeCloseTo(1_000 * 2 ** 1.5 + 6_000, 3);
  });

  test('has a run of every strategy', () => {
    for (const name of ROWS) expect(runOf(cell, name).regret).toBeGreaterThan(0);
  });

  test('changes a limit halfway through the best run without a change', () => {
    expect(runCell(batch(64), moving, 1, []).changeAtMs).toBe(4_000);
    expect(cell.changeAtMs).toBeUndefined();
  });

  test('stops a run that would never end, with infinite regret', () => {
    // With 128 at once, all attempts time out again and again.
    const hopeless = runCell(batch(200), serverOf('knee at 4'), 1, []);
    expect(runOf(hopeless, 'fixed at 128').regret).toBe(Number.POSITIVE_INFINITY);
    expect(ratio(runOf(hopeless, 'fixed at 128').regret)).toBe('> 20');
  });
});

test('a warm run starts from an earlier run on the server before any change', () => {
  const server: ServerCase = { ...moving, name: 'moving' };
  const learner = { name: 'learner', create: () => aimd(), createWarm: vi.fn(() => parallel8()) };
  const { runs } = runCell(batch(64), server, 1, [learner]);
  const [earlier] = learner.createWarm.mock.calls[0] as unknown as [{ name: string }];
  expect(earlier.name).toBe('aimd');
  expect(runs.get('learner, warm')?.regret).toBe(runs.get('fixed at 8')?.regret);
  expect(runs.get('learner')?.regret).toBeGreaterThan(1.2);
});

test('every cell of the matrix has a best setting that completes', () => {
  for (const workload of WORKLOADS.slice(2, 5)) {
    for (const server of SERVERS) {
      const { bestMs, bestFixed } = runCell(workload(1), server, 1, []);
      expect(Number.isFinite(bestMs), `${server.name} with ${bestFixed}`).toBe(true);
    }
  }
});

describe('the summary', () => {
  const cells: Cell[] = [1, 2].map((seed) => ({
    workload: batch(4),
    server: { ...knee, limits: 'announced' as const },
    seed,
    changeAtMs: undefined,
    bestMs: 1,
    bestFixed: seed,
    runs: new Map([['one', { regret: seed, wastedShare: 0.25 * seed } as never]]),
  }));

  test('has quantiles over all cells, and the share of wasted requests', () => {
    expect(summary(['one'], cells)[1]).toEqual([
      ...['one', '1.00', '2.00', '2.00'],
      ...['37.5 % (50.0 %)', '–'],
    ]);
  });

  test('has the median and the worst seed of each cell', () => {
    expect(worstCells('one', cells, 5)[1]).toEqual([
      ...['knee, batch of 4', '1.00', '2.00', '1/2', '50.0 %'],
    ]);
    expect(grid('one', cells)).toEqual([
      ['one', 'batch of 4'],
      ['knee', '1.00'],
    ]);
  });
});

describe('readaptation', () => {
  test('is immediate when the setting suits the new limit', () => {
    const eight = readaptation(batch(2_000), { ...knee, factor: 0.5 }, 1, fixed(4));
    expect(eight.completions).toBeLessThanOrEqual(4);
    expect(eight.prompt).toBe(true);
  });

  test('never happens when it does not', () => {
    const one = readaptation(batch(2_000), moving, 1, fixed(8));
    expect(one).toEqual({ completions: Infinity, afterMs: Infinity, prompt: false });
  });
});

test('a server without changes has no time of change', () => {
  const steady: ServerCase = { name: 'steady', factor: 1, model: () => fixedLatency() };
  expect(runCell(batch(5), steady, 1, []).changeAtMs).toBeUndefined();
});
