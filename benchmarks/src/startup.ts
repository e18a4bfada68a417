import { inChild } from './util/child-process.js';
import { median } from './util/statistics.js';
import { printTable } from './util/table.js';

/**
 * Milliseconds to import modules in a fresh process, on the clock and of the CPU, and the provider SDKs
 * that are loaded. The modules take turns. Our providers load their SDK at the first request, so they
 * should load none.
 */
const MODULES = [
  ['p-queue'],
  ['@stratagem/core'],
  ['@stratagem/parallel'],
  ['@stratagem/adaptive'],
  ['@stratagem/core/document'],
  ['@stratagem/openai'],
  ['@stratagem/anthropic'],
  // What a program needs.
  ['@stratagem/core', '@stratagem/parallel', '@stratagem/openai'],
  ['openai'],
  ['@anthropic-ai/sdk'],
  ['p-graph'],
  ['effect'],
  ['@langchain/langgraph'],
  ['@mastra/core'],
];
const ROUNDS = 15;

const figures = MODULES.map((names) => ({ names, ms: [] as number[], cpuMs: [] as number[] }));
for (let round = 0; round < ROUNDS; round++) {
  for (const { names, ms, cpuMs } of figures) {
    const [clock, cpu] = await inChild<[number, number]>('startup/child', [names, 'ms']);
    ms.push(clock);
    cpuMs.push(cpu);
  }
}
const base = median(figures[0]?.cpuMs ?? []);
const rows = [['modules', 'ms', 'CPU ms', 'CPU, times p-queue', 'SDKs loaded']];
for (const { names, ms, cpuMs } of figures) {
  const sdks = await inChild<string[]>('startup/child', [names, 'sdks']);
  const cpu = median(cpuMs);
  rows.push([
    names.join(' + '),
    median(ms).toFixed(1),
    cpu.toFixed(1),
    (cpu / base).toFixed(2),
    sdks.join(', ') || 'none',
  ]);
}
printTable('import in a fresh process', rows);
