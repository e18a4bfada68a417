import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { cellsOf } from './ablation/matrix.js';
import { mechanisms } from './ablation/mechanisms.js';
import { type AblatedRun, type Baseline, baselineOf, runAll } from './ablation/runs.js';
import { percent, ratio } from './regret/summary.js';
import { mean, quantile } from './util/statistics.js';
import { tableOf } from './util/table.js';

/**
 * Every mechanism of `adaptive` on and off, in virtual time, on the regret matrix and on cells that it lacks.
 *
 *   ablation                  prints the table for every thirteenth cell
 *   ablation --every 1        for every cell
 *   ablation NAME …           for these mechanisms only; NAME+NAME switches off both
 *   ablation --write          writes the table into the README
 */
const MARKS = ['<!-- ablation -->\n', '<!-- /ablation -->\n'] as const;
const SEED = 1;
/** Without a common divisor with the number of servers: every eighth cell has two of the sixteen new ones. */
const SPARSE = '13';

const { values: flags, positionals } = parseArgs({
  options: {
    every: { type: 'string', default: SPARSE },
    write: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
const switches = await mechanisms();
const names = positionals.length > 0 ? positionals : Object.keys(switches);
const every = Number(flags.every);
const baselines: Baseline[] = cellsOf(SEED)
  .filter((_, index) => index % every === 0)
  .map((cell) => baselineOf(cell, SEED));

const all = runAll(baselines, SEED);
const rows = [rowOf('everything on', all)];
for (const name of names) {
  const off = name.split('+');
  const unknown = off.find((each) => !(each in switches));
  if (unknown !== undefined) {
    throw new Error(
      `there is no mechanism "${unknown}"; there are ${Object.keys(switches).join(', ')}`,
    );
  }
  const restore = off.map((each) => switches[each]?.());
  rows.push(rowOf(name, runAll(baselines, SEED)));
  for (const each of restore.reverse()) each?.();
}
const figures = ['mean', '90 %', 'worst', 'wasted'];
const head = [
  'switched off',
  ...figures,
  ...figures.map((each) => `${each}, new cells`),
  'changed',
];
const table = tableOf([head, ...rows]);
if (flags.write) {
  const file = new URL('../README.md', import.meta.url);
  const page = await readFile(file, 'utf8');
  const [before = '', rest = ''] = page.split(MARKS[0]);
  const [, after = ''] = rest.split(MARKS[1]);
  await writeFile(file, `${before}${MARKS[0]}\n${table}\n\n${MARKS[1]}${after}`);
} else console.log(`\n${table}`);

function rowOf(name: string, runs: readonly AblatedRun[]): string[] {
  const changed = runs.filter(({ regret }, index) => regret !== all[index]?.regret).length;
  return [
    name,
    ...figuresOf(runs.filter(({ isNew }) => !isNew)),
    ...figuresOf(runs.filter(({ isNew }) => isNew)),
    percent(changed / runs.length),
  ];
}

function figuresOf(runs: readonly AblatedRun[]): string[] {
  const regrets = runs.map(({ regret }) => regret);
  return [
    Math.exp(mean(regrets.map(Math.log))).toFixed(3),
    ratio(quantile(regrets, 0.9)),
    ratio(Math.max(...regrets)),
    percent(mean(runs.map(({ wastedShare }) => wastedShare))),
  ];
}
