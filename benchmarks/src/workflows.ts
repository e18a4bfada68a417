import { mean, quantile } from './util/statistics.js';
import { printTable } from './util/table.js';
import { CAPS, ratioOf, TOKEN_CASES } from './workflows/comparison.js';
import { readGraphs } from './workflows/graphs.js';

/** `adaptive` beside `parallel` at the same cap on recorded workflows, in virtual time. */
const graphs = readGraphs();
const rows = [['answers tell', 'mean', '90 %', 'worst', 'worst workflow']];
const all: number[] = [];
for (const tokenCase of TOKEN_CASES) {
  const runs = graphs.flatMap((graph) =>
    CAPS.map((cap) => ({
      name: `${graph.name}, at most ${cap}`,
      ratio: ratioOf(graph, cap, tokenCase),
    })),
  );
  const ratios = runs.map(({ ratio }) => ratio);
  all.push(...ratios);
  const worst = runs.toSorted((a, b) => b.ratio - a.ratio)[0];
  rows.push([tokenCase.name, ...figures(ratios), worst?.name ?? '']);
}
rows.push(['all', ...figures(all), '']);
printTable('adaptive / parallel', rows);

function figures(ratios: readonly number[]): string[] {
  return [mean(ratios), quantile(ratios, 0.9), Math.max(...ratios)].map((value) =>
    value.toFixed(2),
  );
}
