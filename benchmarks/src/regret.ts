import { type Cell, runCell } from './regret/cell.js';
import { CONTENDERS } from './regret/contenders.js';
import { SERVERS, WORKLOADS } from './regret/matrix.js';
import { quantile } from './statistics.js';
import { printTable } from './table.js';

const SEEDS = [1, 2, 3];

const cells: Cell[] = [];
for (const workload of WORKLOADS) {
  for (const server of SERVERS) {
    if (process.argv[2] === 'cells') console.time(server.name);
    for (const seed of SEEDS) cells.push(runCell(workload(seed), server, seed, CONTENDERS));
  }
}

const rows = CONTENDERS.map(({ name }) => {
  const regrets = cells.map(({ runs }) => runs.get(name)?.regret ?? Number.NaN);
  const shares = [0.5, 0.9, 1].map((share) => quantile(regrets, share).toFixed(2));
  return [name, ...shares];
});
printTable('makespan over that of the best fixed setting', [
  ['', 'median', '90 %', 'worst'],
  ...rows,
]);
