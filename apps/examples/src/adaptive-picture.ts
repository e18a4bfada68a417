import { writeFile } from 'node:fs/promises';
import { adaptive } from '@stratagem/adaptive';
import {
  batch,
  concurrencyKnee,
  cpuBound,
  fixedLatency,
  fixedWindows,
  lognormalLatency,
  overload,
  rateLimited,
  type ServerModel,
  simulateOn,
} from '@stratagem/simulation';
import { type Chart, drawConcurrency } from './concurrency-charts.js';
import { runIfMain } from './run-if-main.js';

const sigma = 0.15;
const [less, more] = [0.25, 4].map((factor) => [{ atMs: 20_000, factor }]);

/** Each server with its best concurrency over time, where that is a fixed number. */
const SERVERS: readonly [
  title: string,
  server: ServerModel,
  best: [atMs: number, best: number][],
][] = [
  ['Fixed latency, no limit', fixedLatency(), []],
  ['Heavy-tailed latency, no limit', lognormalLatency({ sigma: 1 }), []],
  ['Slower above 4 in flight', concurrencyKnee({ knee: 4, sigma }), [[0, 4]]],
  ['Slower above 16 in flight', concurrencyKnee({ knee: 16, sigma }), [[0, 16]]],
  ['8 cores', cpuBound({ cores: 8, sigma }), [[0, 8]]],
  ['Refuses above 32 (503)', overload({ capacity: 16, kind: 'server_error', sigma }), [[0, 16]]],
  ['300 per minute, announced', rateLimited({ requestsPerMinute: 300, initial: 0.1, sigma }), []],
  [
    '300 per minute, unannounced',
    rateLimited({ requestsPerMinute: 300, initial: 0.1, announced: false, sigma }),
    [],
  ],
  ['100 per 15 s, announced', fixedWindows({ requests: 100, windowMs: 15_000, sigma }), []],
  [
    'Slower above 8, later above 32',
    concurrencyKnee({ knee: 8, sigma, changes: more ?? [] }),
    [
      [0, 8],
      [20_000, 32],
    ],
  ],
  [
    'Slower above 32, later above 8',
    concurrencyKnee({ knee: 32, sigma, changes: less ?? [] }),
    [
      [0, 32],
      [20_000, 8],
    ],
  ],
  [
    '1,200, later 300 per minute, announced',
    rateLimited({ requestsPerMinute: 1_200, initial: 0.05, sigma, changes: less ?? [] }),
    [],
  ],
];

const SHOWN_MS = 40_000;

/** Draws the concurrency of the adaptive strategy over time, for a batch of one-second tasks. */
export function run(): string {
  const { plan, demandOf } = batch(4_000, { sigma: 0.3 });
  const charts = SERVERS.map(([title, server, best]): Chart => {
    const { timeline } = simulateOn(plan, {
      ...{ server, demandOf, strategy: adaptive(), deadlineMs: SHOWN_MS },
      tokensPerChunk: 20,
      retry: { maxAttempts: 1_000 },
    });
    return { title, timeline, best };
  });
  return drawConcurrency(charts, SHOWN_MS);
}

// Writes the picture to the given file, or to standard output.
await runIfMain(import.meta, async () => {
  const [file] = process.argv.slice(2);
  const picture = run();
  if (file === undefined) process.stdout.write(picture);
  else await writeFile(file, picture);
});
