import { coverageOf } from './forecast/coverage.js';
import { KINDS } from './forecast/kinds.js';
import { type MapSizes, mapCoverageOf } from './forecast/map-coverage.js';
import { MAP_KINDS } from './forecast/map-kinds.js';
import { mean } from './util/statistics.js';
import { printTable } from './util/table.js';

/** How often the ranges of a forecast from one recorded run hold for a later run: `pnpm bench forecast 200`. */
const pairs = Number(process.argv[2] ?? 200);
const rows = KINDS.map((kind) => {
  const { name, time, cost, longer, width } = coverageOf(kind, pairs);
  return [name, percent(time), percent(longer), percent(cost), percent(width)];
});
const head = ['runs', 'time in range', 'took longer', 'cost in range', 'width of the range'];
printTable(`ranges of 80 %, ${pairs} pairs of runs of each kind`, [head, ...rows]);

/** Samples that have seen the load of the rest, and samples that are too small for it. */
const SIZES: readonly MapSizes[] = [
  { sample: 10, rows: 200, maxParallel: 4, isLearning: false },
  { sample: 40, rows: 300, maxParallel: 10, isLearning: false },
  { sample: 64, rows: 400, maxParallel: 16, isLearning: false },
  { sample: 40, rows: 300, maxParallel: 10, isLearning: true },
  { sample: 10, rows: 200, maxParallel: 8, isLearning: false },
  { sample: 10, rows: 300, maxParallel: 16, isLearning: false },
  { sample: 10, rows: 800, maxParallel: 128, isLearning: true },
  { sample: 64, rows: 800, maxParallel: 128, isLearning: true },
];

const maps = Math.ceil(pairs / 4);
const coverages = MAP_KINDS.map((kind) => ({
  name: kind.name,
  each: SIZES.map((sizes) => mapCoverageOf(kind, sizes, maps)),
}));
for (const figure of ['time', 'longer', 'cost', 'width'] as const) {
  const shares = coverages.map(({ name, each }) => ({ name, shares: each.map((c) => c[figure]) }));
  const all = SIZES.map((_, n) => mean(shares.map((row) => row.shares[n] ?? Number.NaN)));
  const title = {
    time: 'time in range',
    longer: 'took longer',
    cost: 'cost in range',
    width: 'width',
  };
  printTable(`the rest of a map, from a sample: ${title[figure]}, ${maps} maps of each kind`, [
    ['server', ...SIZES.map(titleOf)],
    ...shares.map((row) => [row.name, ...row.shares.map(percent)]),
    ['all', ...all.map(percent)],
  ]);
}

function titleOf({ sample, maxParallel, isLearning }: MapSizes): string {
  return `${sample} rows, ${isLearning ? 'up to ' : ''}${maxParallel} at once`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
