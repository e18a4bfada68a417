import { quantile } from '../util/statistics.js';
import { type Cell, type CellRun, HOPELESS } from './cell.js';

type Row = readonly string[];

/** One row per strategy: regrets over all cells and seeds, and wasted requests. */
export function summary(names: readonly string[], cells: readonly Cell[]): Row[] {
  const head = ['', 'median', '90 %', 'worst', 'wasted, announced', 'wasted, unannounced'];
  return [
    head,
    ...names.map((name) => {
      const regrets = cells.map((cell) => runOf(cell, name).regret);
      return [
        name,
        ...[0.5, 0.9, 1].map((share) => ratio(quantile(regrets, share))),
        wasted(name, cells, 'announced'),
        wasted(name, cells, 'unannounced'),
      ];
    }),
  ];
}

/** Wasted requests per task on such servers; in brackets, in the worst cell. */
function wasted(name: string, cells: readonly Cell[], limits: 'announced' | 'unannounced'): string {
  const concerned = cells.filter(({ server }) => server.limits === limits);
  if (concerned.length === 0) return '–';
  let tasks = 0;
  let requests = 0;
  let worst = 0;
  for (const cell of concerned) {
    const { wastedShare } = runOf(cell, name);
    const size = cell.workload.plan.tasks.length;
    tasks += size;
    requests += wastedShare * size;
    worst = Math.max(worst, wastedShare);
  }
  return `${percent(requests / tasks)} (${percent(worst)})`;
}

/** The cells with the highest regret of a strategy, worst first. */
export function worstCells(name: string, cells: readonly Cell[], count: number): Row[] {
  const byCell = new Map<string, Cell[]>();
  for (const cell of cells) {
    const key = `${cell.server.name}, ${cell.workload.name}`;
    byCell.set(key, [...(byCell.get(key) ?? []), cell]);
  }
  const rows = [...byCell].map(([cell, seeds]) => {
    const regrets = seeds.map((seed) => runOf(seed, name).regret);
    return {
      cell,
      regret: quantile(regrets, 0.5),
      most: Math.max(...regrets),
      best: [...new Set(seeds.map(({ bestFixed }) => bestFixed))].join('/'),
      wasted: Math.max(...seeds.map((seed) => runOf(seed, name).wastedShare)),
    };
  });
  rows.sort((a, b) => b.most - a.most);
  return [
    [`worst cells of ${name}`, 'median', 'worst', 'best fixed', 'wasted'],
    ...rows
      .slice(0, count)
      .map(({ cell, regret, most, best, wasted: share }) => [
        cell,
        ratio(regret),
        ratio(most),
        best,
        percent(share),
      ]),
  ];
}

/** The median regret over the seeds of each workload on each server. */
export function grid(name: string, cells: readonly Cell[]): Row[] {
  const workloads = [...new Set(cells.map(({ workload }) => workload.name))];
  const servers = [...new Set(cells.map(({ server }) => server.name))];
  return [
    [name, ...workloads],
    ...servers.map((server) => [
      server,
      ...workloads.map((workload) => {
        const here = cells.filter(
          (cell) => cell.server.name === server && cell.workload.name === workload,
        );
        return ratio(
          quantile(
            here.map((cell) => runOf(cell, name).regret),
            0.5,
          ),
        );
      }),
    ]),
  ];
}

export function runOf({ runs }: Cell, name: string): CellRun {
  const run = runs.get(name);
  if (run === undefined) throw new Error(`there is no strategy "${name}"`);
  return run;
}

export function ratio(value: number): string {
  return Number.isFinite(value) ? value.toFixed(2) : `> ${HOPELESS}`;
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
