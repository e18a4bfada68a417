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
 * steps through in a debugger meets them. Functions that only return an expression without a call, such
 * as `isPending`, are counted apart: a reader sees what they do without stepping into them. `trace.js
 * calls` lists each function.
 */
interface Call {
  readonly name: string;
  readonly file: string;
  readonly count: number;
  readonly isAccessor: boolean;
}

interface Source {
  readonly map: SourceMap | undefined;
  readonly text: string;
  readonly lines: number[];
}

const sources = new Map<string, Source>();
const session = new Session();
session.connect();
session.post('Profiler.enable');
session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });

const rows = [['run', 'calls', 'files', 'all calls', 'all files']];
for (const [name, journal] of [
  ['without a journal', undefined],
  ['with the memory journal', memoryJournal()],
] as const) {
  const calls = await callsOfOneTask(journal);
  const steps = calls.filter(({ isAccessor }) => !isAccessor);
  rows.push([
    name,
    ...[steps, calls].flatMap((some) => [totalOf(some), filesOf(some)].map(String)),
  ]);
  if (process.argv.includes('calls')) {
    for (const { name, file, count, isAccessor } of calls) {
      console.log(`${count} × ${name} (${file})${isAccessor ? ', an accessor' : ''}`);
    }
    console.log();
  }
}
printTable('from one runner to the next', rows);

function totalOf(calls: readonly Call[]): number {
  return calls.reduce((sum, { count }) => sum + count, 0);
}

function filesOf(calls: readonly Call[]): number {
  return new Set(calls.map(({ file }) => file)).size;
}

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
        const { count = 0, startOffset = 0, endOffset = 0 } = ranges[0] ?? {};
        // The body of a module, reading a property and initial values are no calls.
        if (count === 0 || startOffset === 0 || /^(get |<)/.test(functionName)) continue;
        const name = functionName || '(anonymous)';
        const isAccessor = onlyReturns(sourceAt(url).text.slice(startOffset, endOffset));
        calls.push({ name, file: fileOf(url, startOffset), count, isAccessor });
      }
    }
  });
  return calls;
}

/** Whether a function is a single return of an expression that calls nothing. */
function onlyReturns(source: string): boolean {
  const body =
    /^[^{]*\)\s*\{\s*return ([^;]*);?\s*\}$/s.exec(source)?.[1] ??
    /=>\s*([^{;]*)$/s.exec(source)?.[1];
  return body !== undefined && !/[\w\])]\(|\bnew\b|`/.test(body);
}

function sourceAt(url: string): Source {
  let known = sources.get(url);
  if (known === undefined) {
    const path = fileURLToPath(url);
    const lines = [0];
    const text = readFileSync(path, 'utf8');
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines.push(at + 1);
    known = { map: readMap(path), text, lines };
    sources.set(url, known);
  }
  return known;
}

/** The source file that a place in a bundle was made from. */
function fileOf(url: string, offset: number): string {
  const { map, lines } = sourceAt(url);
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
