import { readFile, writeFile } from 'node:fs/promises';
import { type Cell, runCell } from './regret/cell.js';
import { ENGINE_WORKLOADS, ENGINES } from './regret/engines.js';
import { batchOf, SERVERS, WORKLOADS } from './regret/matrix.js';
import { readaptation } from './regret/readaptation.js';
import { OURS, ROWS, STRATEGIES } from './regret/strategies.js';
import { grid, percent, ratio, runOf, summary, worstCells } from './regret/summary.js';
import { quantile } from './util/statistics.js';
import { tableOf } from './util/table.js';

/**
 * Every workload on every server under every strategy, in virtual time: the makespan relative to the
 * best fixed `maxParallel`, chosen with hindsight.
 *
 *   regret            prints the tables of the README
 *   regret --write    writes them into the README
 *   regret --cells    also prints every cell
 *   regret --engine   takes inference engines instead of the servers of the matrix
 */
const SEEDS = [1, 2, 3];
const flags = process.argv.slice(2);
const isEngine = flags.includes('--engine');
const section = isEngine ? 'regret of engines' : 'regret';
const marks = [`<!-- ${section} -->\n`, `<!-- /${section} -->\n`] as const;

const cells: Cell[] = [];
for (const workload of isEngine ? ENGINE_WORKLOADS : WORKLOADS) {
  for (const server of isEngine ? ENGINES : SERVERS) {
    for (const seed of SEEDS) cells.push(runCell(workload(seed), server, seed, STRATEGIES));
  }
}
const tables = (isEngine ? engineTables() : matrixTables()).map(tableOf);

if (flags.includes('--write')) {
  const file = new URL('../README.md', import.meta.url);
  const page = await readFile(file, 'utf8');
  const [before = '', rest = ''] = page.split(marks[0]);
  const [, after = ''] = rest.split(marks[1]);
  const text = `${before}${marks[0]}\n${tables.join('\n\n')}\n\n${marks[1]}${after}`;
  await writeFile(file, text);
} else console.log(`\n${tables.join('\n\n')}`);

if (flags.includes('--cells')) {
  for (const name of ROWS) console.log(`\n${tableOf(grid(name, cells))}`);
  console.log(`\n${tableOf(worstCells(OURS, cells, cells.length))}`);
}

/** The tables of servers that refuse no requests. */
function engineTables() {
  const rows = summary(ROWS, cells).map((row) => row.slice(0, 4));
  return [rows, worstCells(OURS, cells, 12).map((row) => row.slice(0, 4))];
}

function matrixTables() {
  const large = SERVERS.map((server) => runCell(batchOf(2_000)(1), server, 1, STRATEGIES));

  const changing = SERVERS.filter(({ factor }) => factor !== 1);
  const adapting = STRATEGIES.filter(({ adapts }) => adapts);
  const readaptations = [
    ['back at 90 % of the best', ...changing.map(({ name }) => name)],
    ...adapting.map((strategy) => [
      strategy.name,
      ...changing.map((server) => {
        const { completions, afterMs } = readaptation(batchOf(2_000)(1), server, 1, strategy);
        return Number.isFinite(afterMs)
          ? `${completions} tasks, ${(afterMs / 1_000).toFixed(1)} s`
          : 'never';
      }),
    ]),
  ];
  const largeRows = [
    ['batches of 2,000', 'median', 'worst', 'wasted, at most'],
    ...ROWS.map((name) => {
      const runs = large.map((cell) => runOf(cell, name));
      const regrets = runs.map(({ regret }) => regret);
      return [
        name,
        ratio(quantile(regrets, 0.5)),
        ratio(Math.max(...regrets)),
        percent(Math.max(...runs.map(({ wastedShare }) => wastedShare))),
      ];
    }),
  ];
  return [
    summary(ROWS, cells),
    largeRows,
    readaptations,
    worstCells(OURS, cells, 12),
    grid(OURS, cells),
  ];
}
