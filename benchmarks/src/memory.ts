import { inChild } from './child.js';
import { SHAPES } from './dag.js';
import { median } from './statistics.js';
import { printTable } from './table.js';

/** What a finished run holds per task: its state, events and timeline. The limit is 2,048 bytes. */
const SIZES = [10_000, 100_000, 1_000_000];

const rows = [['bytes per task', ...SIZES.map((size) => size.toLocaleString('en'))]];
for (const shape of SHAPES) {
  const cells: string[] = [];
  for (const size of SIZES) {
    const held: number[] = [];
    for (let round = 0; round < 3; round++) {
      held.push(await inChild<number>('memory-child', [shape, size], ['--expose-gc']));
    }
    cells.push(median(held).toFixed(0));
  }
  rows.push([shape, ...cells]);
}
printTable('memory held by a finished run, its plan and outputs not counted', rows);
