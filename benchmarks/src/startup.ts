import { inChild } from './child.js';
import { median } from './statistics.js';
import { printTable } from './table.js';

/** Milliseconds that an import takes in a fresh process; the modules take turns. */
const MODULES = [
  'p-queue',
  '@stratagem/core',
  '@stratagem/parallel',
  '@stratagem/core/document',
  'p-graph',
  'effect',
  '@langchain/langgraph',
  '@mastra/core',
];
const ROUNDS = 15;

const figures = new Map<string, number[]>(MODULES.map((name) => [name, []]));
for (let round = 0; round < ROUNDS; round++) {
  for (const name of MODULES)
    figures.get(name)?.push(await inChild<number>('startup-child', [name]));
}
const base = median(figures.get('p-queue') ?? []);
printTable('import in a fresh process', [
  ['module', 'ms', 'times p-queue'],
  ...MODULES.map((name) => {
    const ms = median(figures.get(name) ?? []);
    return [name, ms.toFixed(1), (ms / base).toFixed(2)];
  }),
]);
