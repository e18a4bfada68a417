// Measures how long the event loop of a process stands still while it writes a journal:
//
//   pnpm build && pnpm --filter @stratagem/sqlite stalls
//
// - locked: another process holds the lock of the file for four seconds
// - writers: six processes write small events as fast as they can
// - large: one process writes outputs of 10 MB, while another writes small ones
// - all: six processes write outputs of 10 MB
// - text, rows: a run of eight tasks whose outputs have 10 MB of text, or 100,000 objects
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { createExecutor } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { sqliteJournal } from '../dist/index.js';

const LIMIT_MS = 100;
const [role, directory, id, events, length] = process.argv.slice(2);

if (role === 'write') await write();
else if (role === 'lock') await lock();
else if (role === 'run') await run();
else await compare();

async function compare() {
  await measure('locked', [['lock'], ['write', 'a', 200, 100]]);
  await measure(
    'writers',
    [...'abcdef'].map((name) => ['write', name, 1_000, 300]),
  );
  await measure('large', [
    ['write', 'a', 10, 10_000_000],
    ['write', 'b', 1_000, 300],
  ]);
  await measure(
    'all',
    [...'abcdef'].map((name) => ['write', name, 10, 10_000_000]),
  );
  await measure('text', [['run', 'text']]);
  await measure('rows', [['run', 'rows']]);
}

async function measure(name, programs) {
  const folder = mkdtempSync(join(tmpdir(), 'stratagem-stalls-'));
  await using journal = sqliteJournal({ directory: folder });
  await journal.list();
  // On a busy machine, every process has to wait now and then.
  const idle = monitorEventLoopDelay({ resolution: 1 });
  idle.enable();
  const reports = await Promise.all(
    programs.map(async ([program, ...args]) => {
      const child = fork(fileURLToPath(import.meta.url), [program, folder, ...args]);
      const reports = [];
      child.on('message', (report) => reports.push(report));
      await once(child, 'close');
      return reports;
    }),
  );
  const idleMs = idle.max / 1e6;
  console.log(`${name}: a process that does nothing stood still for ${idleMs.toFixed(1)} ms`);
  for (const { run, longestMs, seconds } of reports.flat()) {
    const isLong = longestMs > LIMIT_MS + idleMs;
    const verdict = isLong ? 'TOO LONG' : 'ok';
    if (isLong) process.exitCode = 1;
    console.log(
      `${name} ${run}: ${longestMs.toFixed(1)} ms in ${seconds.toFixed(1)} s, ${verdict}`,
    );
  }
  rmSync(folder, { recursive: true, force: true });
}

async function write() {
  const journal = sqliteJournal({ directory });
  const run = await journal.create({ id, goal: 'measure', createdAt: Date.now() });
  // Made before, so that only the journal is measured.
  const outputs = Array.from({ length: 10 }, (_, n) =>
    Buffer.alloc(Number(length), `${id}${n} `).toString(),
  );
  await new Promise((resolve) => setTimeout(resolve, 300));
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  const began = performance.now();
  for (let sequence = 0; sequence < Number(events); sequence++) {
    const output = outputs[sequence % 10];
    const event = { type: 'task_completed', sequence, timestamp: sequence, taskId: 'x', output };
    await run.append([event]);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const seconds = (performance.now() - began) / 1_000;
  delays.disable();
  process.send({ run: id, longestMs: delays.max / 1e6, seconds });
  await journal.close();
}

async function run() {
  const journal = sqliteJournal({ directory });
  const text = Buffer.alloc(10_000_000, 'abcdefghij ').toString();
  const rows = () => Array.from({ length: 100_000 }, (_, n) => ({ id: n, text: `row ${n}` }));
  // Made before, so that only the run is measured.
  const lists = Array.from({ length: id === 'rows' ? 8 : 0 }, rows);
  const tasks = Array.from({ length: 8 }, (_, n) => ({
    id: `${n}`,
    ...(n > 0 && { dependencies: [`${n - 1}`] }),
    run: async () => (id === 'text' ? `${n}${text}` : lists[n]),
  }));
  await new Promise((resolve) => setTimeout(resolve, 300));
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  const began = performance.now();
  const executor = createExecutor({ strategy: parallel(), journal });
  await executor.execute({ goal: 'measure', tasks }).orThrow();
  const seconds = (performance.now() - began) / 1_000;
  delays.disable();
  process.send({ run: id, longestMs: delays.max / 1e6, seconds });
  await journal.close();
}

async function lock() {
  // The writer opens the file meanwhile.
  await new Promise((resolve) => setTimeout(resolve, 450));
  const database = new DatabaseSync(join(directory, 'journal.db'));
  database.exec('BEGIN IMMEDIATE');
  await new Promise((resolve) => setTimeout(resolve, 4_000));
  database.exec('ROLLBACK');
  database.close();
}
