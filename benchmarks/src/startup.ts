import { inChild } from './util/child-process.js';
import { median } from './util/statistics.js';
import { printTable } from './util/table.js';

/**
 * Milliseconds to import a module in a fresh process, and the provider SDKs that it loads. The modules
 * take turns. Our providers load their SDK at the first request, so they should load none.
 */
const MODULES = [
  'p-queue',
  '@stratagem/core',
  '@stratagem/parallel',
  '@stratagem/core/document',
  '@stratagem/openai',
  '@stratagem/anthropic',
  'openai',
  '@anthropic-ai/sdk',
  'p-graph',
  'effect',
  '@langchain/langgraph',
  '@mastra/core',
];
const ROUNDS = 15;

const figures = new Map<string, number[]>(MODULES.map((name) => [name, []]));
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, mine] of figures)
    mine.push(await inChild<number>('startup/child', [name, 'ms']));
}
const base = median(figures.get('p-queue') ?? []);
const rows = [['module', 'ms', 'times p-queue', 'SDKs loaded']];
for (const [name, mine] of figures) {
  const sdks = await inChild<string[]>('startup/child', [name, 'sdks']);
  const ms = median(mine);
  rows.push([name, ms.toFixed(1), (ms / base).toFixed(2), sdks.join(', ') || 'none']);
}
printTable('import in a fresh process', rows);
