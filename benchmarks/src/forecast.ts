import { coverageOf } from './forecast/coverage.js';
import { KINDS } from './forecast/kinds.js';
import { printTable } from './util/table.js';

/** How often the ranges of a forecast from one recorded run hold for a later run: `pnpm bench forecast 200`. */
const pairs = Number(process.argv[2] ?? 200);
const rows = KINDS.map((kind) => {
  const { name, time, cost, longer, width } = coverageOf(kind, pairs);
  return [name, percent(time), percent(longer), percent(cost), percent(width)];
});
const head = ['runs', 'time in range', 'took longer', 'cost in range', 'width of the range'];
printTable(`ranges of 80 %, ${pairs} pairs of runs of each kind`, [head, ...rows]);

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
