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

/** What each server is best at goes along as a line, where it is a number at once. */
const SERVERS: readonly [
  title: string,
  server: ServerModel,
  best: [atMs: number, best: number][],
][] = [
  ['Keeps up with anything', fixedLatency(), []],
  ['Keeps up, with a heavy tail', lognormalLatency({ sigma: 1 }), []],
  ['Slower past 4 at once', concurrencyKnee({ knee: 4, sigma }), [[0, 4]]],
  ['Slower past 16 at once', concurrencyKnee({ knee: 16, sigma }), [[0, 16]]],
  ['8 cores', cpuBound({ cores: 8, sigma }), [[0, 8]]],
  ['Refuses past 32 (503)', overload({ capacity: 16, kind: 'server_error', sigma }), [[0, 16]]],
  ['300 a minute, announced', rateLimited({ requestsPerMinute: 300, initial: 0.1, sigma }), []],
  [
    '300 a minute, unannounced',
    rateLimited({ requestsPerMinute: 300, initial: 0.1, announced: false, sigma }),
    [],
  ],
  ['100 per 15 s, announced', fixedWindows({ requests: 100, windowMs: 15_000, sigma }), []],
  [
    'Slower past 8, then past 32',
    concurrencyKnee({ knee: 8, sigma, changes: more ?? [] }),
    [
      [0, 8],
      [20_000, 32],
    ],
  ],
  [
    'Slower past 32, then past 8',
    concurrencyKnee({ knee: 32, sigma, changes: less ?? [] }),
    [
      [0, 32],
      [20_000, 8],
    ],
  ],
  [
    '1,200 a minute, then 300, announced',
    rateLimited({ requestsPerMinute: 1_200, initial: 0.05, sigma, changes: less ?? [] }),
    [],
  ],
];

const SHOWN_MS = 40_000;

/** The concurrency of the adaptive strategy over time, in a batch of tasks of about a second. */
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

// Draws to the file that is named, or to standard output.
await runIfMain(import.meta, async () => {
  const [file] = process.argv.slice(2);
  const picture = run();
  if (file === undefined) process.stdout.write(picture);
  else await writeFile(file, picture);
});
