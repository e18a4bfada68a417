import { CONTENDERS } from './contenders/index.js';
import { inChild } from './util/child-process.js';
import { SHAPES, type Shape } from './util/dag.js';
import { median } from './util/statistics.js';
import { printTable } from './util/table.js';

/**
 * Microseconds per no-op task at concurrency 16; in brackets, relative to ours. Each figure is the
 * median of the medians of three processes. For each size the contenders take turns, so that other
 * load on the machine affects all of them.
 *
 * `overhead.js quick` measures sizes up to 10,000.
 */
const sizes = process.argv.includes('quick')
  ? [100, 1_000, 10_000]
  : [100, 1_000, 10_000, 100_000, 1_000_000];
const PROCESSES = 3;
const OURS = 'stratagem';

const contenders = await Promise.all(
  Object.entries(CONTENDERS).map(async ([name, load]) => ({ name, contender: await load() })),
);
console.log('Contenders, and what is timed:\n');
for (const { name, contender } of contenders) console.log(`- ${name}: ${contender.what}`);

for (const shape of SHAPES) {
  const columns: Map<string, number>[] = [];
  for (const size of sizes) columns.push(await measure(shape, size));
  printTable(`${shape}: µs per task (times ours)`, [
    ['tasks', ...sizes.map((size) => size.toLocaleString('en'))],
    ...contenders.map(({ name }) => [name, ...columns.map((column) => cell(column, name))]),
  ]);
  printGrowth(shape, columns);
}

/** Figures by contender, without those for which the size is too large. */
async function measure(shape: Shape, size: number): Promise<Map<string, number>> {
  const able = contenders.filter(({ contender }) => contender.maxSize(shape) >= size);
  const medians = new Map<string, number[]>(able.map(({ name }) => [name, []]));
  const runs = Math.max(3, Math.min(51, Math.round(20_000 / size)));
  for (let round = 0; round < PROCESSES; round++) {
    for (const [name, figures] of medians) {
      figures.push(median(await inChild<number[]>('overhead/child', [name, shape, size, runs])));
    }
  }
  return new Map([...medians].map(([name, figures]) => [name, median(figures)]));
}

function cell(column: ReadonlyMap<string, number>, name: string): string {
  const value = column.get(name);
  if (value === undefined) return '–';
  const ratio = value / (column.get(OURS) ?? Number.NaN);
  return `${digits(value)} (${digits(ratio)})`;
}

/** Prints the growth of the cost per task from a thousand tasks to the largest size. */
function printGrowth(shape: Shape, columns: readonly ReadonlyMap<string, number>[]): void {
  const small = columns[sizes.indexOf(1_000)];
  const large = columns.at(-1);
  const names = contenders.map(({ name }) => name).filter((name) => large?.has(name));
  const growth = names.map((name) => {
    const times = (large?.get(name) ?? Number.NaN) / (small?.get(name) ?? Number.NaN);
    return `${name} ${times.toFixed(2)}`;
  });
  const range = `1,000 to ${sizes.at(-1)?.toLocaleString('en')} tasks`;
  console.log(
    `\n${shape}: the cost per task grows from ${range} by a factor of ${growth.join(', ')}`,
  );
}

function digits(value: number): string {
  return value.toFixed(value < 10 ? 2 : 0);
}
