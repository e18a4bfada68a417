import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { adaptive } from '@stratagem/adaptive';
import { createExecutor, type Strategy } from '@stratagem/core';
import { openai } from '@stratagem/openai';
import { parallel } from '@stratagem/parallel';
import { type Millions, SHAPES } from './real/model.js';
import { type Request, requestMix } from './real/requests.js';
import { startServer } from './real/server.js';
import { median } from './util/statistics.js';
import { printTable } from './util/table.js';

/**
 * Batches of requests to llama.cpp with random weights, at fixed caps and under `adaptive()`.
 *
 *   real                   prints a table
 *   --rounds 5             the rounds, of which the medians are taken
 *   --batches 64,200       the sizes of the batches
 *   --caps 1,2,4,8,16,32   the fixed caps
 *   --millions 10          the parameters of the model: 10, 40 or 80 million
 *   --threads 1            the threads of the engine; by default one less than there are cores
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    batches: { type: 'string', default: '64,200' },
    caps: { type: 'string', default: '1,2,4,8,16,32' },
    millions: { type: 'string', default: '10' },
    threads: { type: 'string', default: String(Math.max(1, availableParallelism() - 1)) },
  },
});
const ROUNDS = numberOf('rounds', values.rounds);
const BATCHES = values.batches.split(',').map((each) => numberOf('batches', each));
const CAPS = values.caps.split(',').map((each) => numberOf('caps', each));
if (!(values.millions in SHAPES)) {
  throw new Error(`--millions: must be one of ${Object.keys(SHAPES).join(', ')}`);
}
const MILLIONS = Number(values.millions) as Millions;
const THREADS = numberOf('threads', values.threads);
const SEED = 1;
const ADAPTIVE = 'adaptive';

interface Measured {
  readonly seconds: number;
  readonly peak: number;
}

const STRATEGIES: ReadonlyMap<string, () => Strategy> = new Map([
  ...CAPS.map((cap) => [`at most ${cap}`, () => parallel({ maxParallel: cap })] as const),
  [ADAPTIVE, () => adaptive()],
]);

const server = await startServer(MILLIONS, THREADS);
if (typeof server === 'string') {
  console.log(`skipped: no llama.cpp for ${process.platform} on ${process.arch} (${server})`);
} else {
  const count = (server.parameters / 1e6).toFixed(1);
  console.log(
    `llama.cpp, ${count} million parameters in Q8_0, ${THREADS} threads, ${ROUNDS} rounds`,
  );
  try {
    // The first requests load code and memory.
    await run(server.url, requestMix(8, 0), parallel({ maxParallel: 8 }));
    for (const size of BATCHES) await compare(server.url, size);
  } finally {
    await server.close();
  }
}

async function compare(url: string, size: number): Promise<void> {
  const requests = requestMix(size, SEED);
  const measured = new Map<string, Measured[]>([...STRATEGIES.keys()].map((name) => [name, []]));
  // Interleaved, and every second round backwards: a slow minute of the machine does not fall on one of them,
  // and a machine that gets quieter does not favour the last.
  const forwards = [...STRATEGIES];
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, create] of round % 2 === 0 ? forwards : forwards.toReversed()) {
      measured.get(name)?.push(await run(url, requests, create()));
    }
  }
  const rows = [...measured].map(([name, runs]) => ({
    name,
    seconds: median(runs.map(({ seconds }) => seconds)),
    peak: median(runs.map(({ peak }) => peak)),
  }));
  const bestFixed = Math.min(
    ...rows.filter(({ name }) => name !== ADAPTIVE).map(({ seconds }) => seconds),
  );
  const tokens = requests.reduce((sum, { outputTokens }) => sum + outputTokens, 0);
  printTable(`${size} requests, ${tokens} tokens of answers`, [
    ['', 'seconds', 'to the best fixed cap', 'at once, at most'],
    ...rows.map(({ name, seconds, peak }) => [
      ...[name, seconds.toFixed(1), (seconds / bestFixed).toFixed(2), String(peak)],
    ]),
  ]);
}

/** Runs a batch, and checks that each request was answered with as many tokens as it asks for. */
async function run(
  url: string,
  requests: readonly Request[],
  strategy: Strategy,
): Promise<Measured> {
  const runner = openai({ model: 'random-weights', apiKey: 'none', baseURL: url, stream: true });
  const executor = createExecutor({ strategy, runner });
  const tasks = requests.map(({ prompt }, index) => ({ id: `task-${index}`, description: prompt }));
  const startedAt = performance.now();
  const result = await executor.execute({ goal: 'real', tasks }).orThrow();
  const seconds = (performance.now() - startedAt) / 1_000;
  const expected = requests.reduce((sum, { outputTokens }) => sum + outputTokens, 0);
  const { usage, peakConcurrency } = result.metrics;
  if (usage.outputTokens !== expected) {
    throw new Error(`expected ${expected} tokens of answers, got ${usage.outputTokens}`);
  }
  return { seconds, peak: peakConcurrency };
}

function numberOf(option: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1) return number;
  throw new Error(`--${option}: must be integers of at least 1, is ${JSON.stringify(text)}`);
}
