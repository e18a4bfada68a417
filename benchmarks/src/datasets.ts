import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import type { MapFigures, MapJob } from './datasets/map-child.js';
import type { LoopFigures } from './datasets/p-limit-child.js';
import type { ServerCounts, ServerOptions } from './datasets/server.js';
import { benchFolder } from './durability/folder.js';
import { inChild } from './util/child-process.js';
import { median } from './util/statistics.js';
import { printTable } from './util/table.js';

/**
 * Plans over data sets: memory, resuming, kills, the use of a rate limit, and throughput beside p-limit with the
 * openai SDK. `datasets.js memory 100000` measures one of them with so many rows.
 */
const PARTS = { memory, resume, kills, limit, throughput };

const [wanted, size] = process.argv.slice(2);
for (const [name, measure] of Object.entries(PARTS)) {
  if (wanted === undefined || wanted === name)
    await measure(size === undefined ? undefined : Number(size));
}

/** Rows of 1 KB, with the SQLite journal. The limit is 300 MB. */
async function memory(rows = 1_000_000): Promise<void> {
  const table = [['rows of 1 KB', 'peak memory (MB)', 'rows a second']];
  for (const count of [rows / 10, rows]) {
    await using folder = await benchFolder();
    const job: MapJob = { folder: folder.path, rows: count, maxParallel: 64, durability: 'normal' };
    const { ms, peakMegabytes } = await inMap(job);
    table.push([
      count.toLocaleString('en'),
      peakMegabytes.toFixed(0),
      ((count / ms) * 1_000).toFixed(0),
    ]);
  }
  printTable('memory of a map', table);
}

/** A map is continued of which 99 % are recorded: its cost until the first request. */
async function resume(rows = 1_000_000): Promise<void> {
  const table = [
    ['rows of 1 KB', 'recorded', 'to the first request (s)', 'CPU ms a recorded row', 'peak (MB)'],
  ];
  for (const count of [rows / 10, rows]) {
    await using folder = await benchFolder();
    const recorded = Math.round(count * 0.99);
    const job: MapJob = {
      folder: folder.path,
      rows: recorded,
      maxParallel: 64,
      durability: 'normal',
    };
    await inMap(job);
    const { firstRequest, peakMegabytes } = await inMap({ ...job, rows: count });
    if (firstRequest === undefined) throw new Error('no request was sent');
    table.push([
      ...[count.toLocaleString('en'), recorded.toLocaleString('en')],
      (firstRequest.ms / 1_000).toFixed(1),
      (firstRequest.cpuMs / recorded).toFixed(3),
      peakMegabytes.toFixed(0),
    ]);
  }
  printTable('a continued map', table);
}

/** The map is killed ten times at random, and must have each row once and in order at the end. */
async function kills(rows = 10_000): Promise<void> {
  await using folder = await benchFolder();
  const file = `${folder.path}/rows.jsonl`;
  const lines = Array.from({ length: rows }, (_, row) => JSON.stringify({ text: `row ${row}` }));
  await writeFile(file, `${lines.join('\n')}\n`);
  await writeFile(`${folder.path}/out.jsonl`, 'old\n');
  const job: MapJob = { folder: folder.path, file, maxParallel: 64, durability: 'full' };
  let killed = 0;
  for (let left = 10; left > 0; left--) {
    const child = execFile(process.execPath, [pathOf('datasets/map-child'), JSON.stringify(job)]);
    const timer = setTimeout(() => child.kill('SIGKILL'), 400 + Math.random() * 1_200);
    const [, signal] = await once(child, 'exit');
    clearTimeout(timer);
    if (signal !== 'SIGKILL') break;
    killed++;
    const text = await readFile(`${folder.path}/out.jsonl`, 'utf8');
    if (text !== 'old\n') throw new Error(`kill ${killed}: the output was changed before its end`);
  }
  const { completed } = await inMap(job);
  const results = (await readFile(`${folder.path}/out.jsonl`, 'utf8')).trimEnd().split('\n');
  const numbers = results.map((line) => JSON.parse(line).row as number);
  const isInOrder = numbers.every((number, index) => number === index + 1);
  if (completed !== rows || numbers.length !== rows || !isInOrder)
    throw new Error('rows are wrong');
  if (existsSync(`${folder.path}/out.jsonl.partial`)) throw new Error('a partial file is left');
  printTable('kills', [
    ['rows', 'kills', 'rows in the output', 'in order'],
    [rows.toLocaleString('en'), String(killed), String(numbers.length), String(isInOrder)],
  ]);
}

/** A server that admits 6,000 requests a minute, of which a fifth fail. */
async function limit(rows = 4_000): Promise<void> {
  const requestsPerMinute = 6_000;
  await using folder = await benchFolder();
  await using server = await startServer({ latencyMs: 30, faults: 0.2, requestsPerMinute });
  const job: MapJob = {
    ...{ folder: folder.path, rows, maxParallel: 64, durability: 'full' },
    ...{ url: server.url, requestsPerMinute },
  };
  const { completed } = await inMap(job);
  const { admitted, refused, ms } = await server.counts();
  const used = (admitted / ((ms / 60_000) * requestsPerMinute)) * 100;
  printTable('a limit of 6,000 requests a minute, a fifth of which fail', [
    ['rows', 'completed', 'admitted', 'refused', 'admitted a minute', 'of the limit (%)'],
    [
      ...[rows, completed, admitted, refused].map(String),
      ...[((admitted / ms) * 60_000).toFixed(0), used.toFixed(1)],
    ],
  ]);
}

/** The same requests by p-limit and the openai SDK, without a journal. They take turns. */
async function throughput(rows = 2_000): Promise<void> {
  const table = [
    ['latency (ms), at once', 'p-limit (rows/s)', 'map (rows/s)', 'ratio', 'CPU ms a row of each'],
  ];
  for (const [latencyMs, maxParallel] of [
    [50, 16],
    [200, 64],
  ] as const) {
    await using server = await startServer({ latencyMs, faults: 0, requestsPerMinute: null });
    const bare: LoopFigures[] = [];
    const ours: LoopFigures[] = [];
    for (let round = 0; round < 3; round++) {
      const loopArguments = [server.url, rows, maxParallel];
      bare.push(await inChild<LoopFigures>('datasets/p-limit-child', loopArguments));
      await using folder = await benchFolder();
      const job: MapJob = {
        ...{ folder: folder.path, rows, maxParallel, durability: 'full', url: server.url },
      };
      ours.push(await inMap(job));
    }
    const [loop, map] = [bare, ours].map((figures) => ({
      rate: (rows / median(figures.map(({ ms }) => ms))) * 1_000,
      cpu: (median(figures.map(({ cpuMs }) => cpuMs)) / rows).toFixed(2),
    })) as [{ rate: number; cpu: string }, { rate: number; cpu: string }];
    table.push([
      ...[`${latencyMs}, ${maxParallel}`, loop.rate.toFixed(0), map.rate.toFixed(0)],
      ...[(map.rate / loop.rate).toFixed(2), `${loop.cpu}, ${map.cpu}`],
    ]);
  }
  printTable('throughput with the journal on', table);
}

/** With the usual limits of memory. */
async function inMap(job: MapJob): Promise<MapFigures> {
  const child = execFile(process.execPath, [pathOf('datasets/map-child'), JSON.stringify(job)]);
  let printed = '';
  let problems = '';
  child.stdout?.on('data', (text: string) => {
    printed += text;
  });
  child.stderr?.on('data', (text: string) => {
    problems += text;
  });
  const [exitCode] = await once(child, 'close');
  if (exitCode !== 0) throw new Error(problems);
  return JSON.parse(printed.trim());
}

async function startServer(options: ServerOptions) {
  const child: ChildProcess = fork(pathOf('datasets/server'), [JSON.stringify(options)]);
  const [port] = await once(child, 'message');
  return {
    url: `http://127.0.0.1:${port}/v1`,
    async counts(): Promise<ServerCounts> {
      child.send('counts');
      const [counts] = await once(child, 'message');
      return counts;
    },
    async [Symbol.asyncDispose]() {
      child.disconnect();
      await once(child, 'exit');
    },
  };
}

function pathOf(module: string): string {
  return new URL(`./${module}.js`, import.meta.url).pathname;
}
