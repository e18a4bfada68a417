import { inChild } from './child.js';
import { CONTENDERS } from './contenders/index.js';
import { SHAPES } from './dag.js';
import { median } from './statistics.js';
import { printTable } from './table.js';

/**
 * Microseconds per no-op task at concurrency 16, and in brackets how many times the floor's. Each
 * figure is the median of three processes' medians, the contenders taking turns.
 *
 * `overhead.js quick` leaves out the million.
 */
const sizes = process.argv.includes('quick')
  ? [100, 1_000, 10_000]
  : [100, 1_000, 10_000, 100_000, 1_000_000];
const PROCESSES = 3;

for (const shape of SHAPES) {
  const rows: string[][] = [['µs per task', ...sizes.map((size) => size.toLocaleString('en'))]];
  const figures = new Map<string, number[][]>();
  const contenders = await Promise.all(
    Object.entries(CONTENDERS).map(async ([name, load]) => ({
      name,
      maxSize: (await load()).maxSize(shape),
    })),
  );
  for (let round = 0; round < PROCESSES; round++) {
    for (const { name, maxSize } of contenders) {
      for (const [column, size] of sizes.entries()) {
        if (size > maxSize) continue;
        const runs = Math.max(3, Math.min(51, Math.round(20_000 / size)));
        const measured = await inChild<number[]>('overhead-child', [name, shape, size, runs]);
        const cells = figures.get(name) ?? sizes.map(() => []);
        figures.set(name, cells);
        cells[column]?.push(median(measured));
      }
    }
  }
  const floor = figures.get('floor')?.map(median);
  for (const { name } of contenders) {
    const cells = (figures.get(name) ?? sizes.map(() => [])).map((values, column) => {
      if (values.length === 0) return '–';
      const value = median(values);
      return `${value.toFixed(value < 10 ? 2 : 0)} (${(value / (floor?.[column] ?? 1)).toFixed(1)})`;
    });
    rows.push([name, ...cells]);
  }
  printTable(`${shape}: µs per task (times the floor)`, rows);
}
