import { inChild } from './util/child-process.js';
import { SHAPES } from './util/dag.js';
import { median } from './util/statistics.js';
import { printTable } from './util/table.js';

/** The memory of a finished run per task: state, events and timeline. The limit is 2,048 bytes. */
const SIZES = [10_000, 100_000, 1_000_000];

const rows = [['bytes per task', ...SIZES.map((size) => size.toLocaleString('en'))]];
for (const shape of SHAPES) {
  const cells: string[] = [];
  for (const size of SIZES) {
    const held: number[] = [];
    for (let round = 0; round < 3; round++) {
      held.push(await inChild<number>('memory/child', [shape, size], ['--expose-gc']));
    }
    cells.push(median(held).toFixed(0));
  }
  rows.push([shape, ...cells]);
}
printTable('memory of a finished run, without its plan and outputs', rows);
