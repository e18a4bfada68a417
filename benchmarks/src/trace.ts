import { readFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { SourceMap } from 'node:module';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createExecutor, type Journal, memoryJournal, type TaskRunner } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { printTable } from './util/table.js';

/**
 * The calls and files between "a runner answers" and "the next runner is called", as somebody who
 * steps through in a debugger meets them. `trace.js calls` lists each function.
 */
interface Call {
  readonly name: string;
  readonly file: string;
  readonly count: number;
}

const maps = new Map<string, { readonly map: SourceMap | undefined; readonly lines: number[] }>();
const session = new Session();
session.connect();
session.post('Profiler.enable');
session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });

const rows = [['run', 'calls', 'files']];
for (const [name, journal] of [
  ['without a journal', undefined],
  ['with the memory journal', memoryJournal()],
] as const) {
  const calls = await callsOfOneTask(journal);
  const files = new Set(calls.map(({ file }) => file));
  const total = calls.reduce((sum, { count }) => sum + count, 0);
  rows.push([name, String(total), String(files.size)]);
  if (process.argv.includes('calls')) {
    for (const { name, file, count } of calls) console.log(`${count} × ${name} (${file})`);
    console.log();
  }
}
printTable('from one runner to the next', rows);

/** Runs a chain, and counts from the answer of one task to the call of the next. */
async function callsOfOneTask(journal: Journal | undefined): Promise<Call[]> {
  const LENGTH = 20;
  let counted: Call[] = [];
  const runner: TaskRunner = {
    name: 'answering',
    async run({ metadata }) {
      const calls = takeCalls();
      if (metadata.position === LENGTH - 2) counted = calls;
      // Reading the counts takes longer than a run may hold the event loop.
      await setImmediate();
      return { output: 'done' };
    },
  };
  const tasks = Array.from({ length: LENGTH }, (_, position) => ({
    id: `task-${position}`,
    description: 'Answer',
    metadata: { position },
    ...(position > 0 && { dependencies: [`task-${position - 1}`] }),
  }));
  const executor = createExecutor({ strategy: parallel(), runner, ...(journal && { journal }) });
  const { status } = await executor.execute({ goal: 'trace', tasks });
  if (status !== 'completed') throw new Error(`the run ended as ${status}`);
  return counted;
}

/** The calls since this was last asked, in our own packages. */
function takeCalls(): Call[] {
  const calls: Call[] = [];
  session.post('Profiler.takePreciseCoverage', (error, coverage) => {
    if (error) throw new Error('no coverage', { cause: error });
    for (const { url, functions } of coverage.result) {
      if (!/\/(packages|node_modules\/@stratagem)\/.*\/dist\//.test(url)) continue;
      for (const { functionName, ranges } of functions) {
        const { count = 0, startOffset = 0 } = ranges[0] ?? {};
        // The body of a module, reading a property and initial values are no calls.
        if (count === 0 || startOffset === 0 || /^(get |<)/.test(functionName)) continue;
        const file = sourceOf(url, startOffset);
        calls.push({ name: functionName || '(anonymous)', file, count });
      }
    }
  });
  return calls;
}

/** The source file that a place in a bundle was made from. */
function sourceOf(url: string, offset: number): string {
  let known = maps.get(url);
  if (known === undefined) {
    const path = fileURLToPath(url);
    const lines = [0];
    const text = readFileSync(path, 'utf8');
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines.push(at + 1);
    known = { map: readMap(path), lines };
    maps.set(url, known);
  }
  const { map, lines } = known;
  const line = lines.findLastIndex((start) => start <= offset);
  const entry = map?.findEntry(line, offset - (lines[line] ?? 0));
  const source = entry !== undefined && 'originalSource' in entry ? entry.originalSource : url;
  return source.replace(/^.*\/src\//, '');
}

function readMap(path: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(`${path}.map`, 'utf8')));
  } catch {
    return undefined;
  }
}
