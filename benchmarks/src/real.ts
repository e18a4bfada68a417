import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { adaptive } from '@stratagem/adaptive';
import { createExecutor, type Strategy } from '@stratagem/core';
import { openai } from '@stratagem/openai';
import { parallel } from '@stratagem/parallel';
import { type Millions, SHAPES } from './real/model.js';
import { type Request, requestMix } from './real/requests.js';
import { startServer } from './real/server.js';
import { median } from './util/statistics.js';
import { tableOf } from './util/table.js';

/**
 * Batches of requests to llama.cpp with random weights, at fixed caps and under `adaptive()`.
 *
 *   real                   prints the tables: about ten minutes on a quiet machine with two cores
 *   real --write           writes them into the README
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
    write: { type: 'boolean', default: false },
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
  const threads = THREADS === 1 ? 'one thread' : `${THREADS} threads`;
  const sections = [
    `llama.cpp with ${count} million parameters and ${threads}, on ${availableParallelism()} cores; ` +
      (ROUNDS === 1 ? 'one round.' : `medians of ${ROUNDS} rounds.`),
  ];
  console.log(sections[0]);
  try {
    // The first requests load code and memory.
    await run(server.url, requestMix(8, 0), parallel({ maxParallel: 8 }));
    for (const size of BATCHES) {
      const section = await compare(server.url, size);
      console.log(`\n${section}`);
      sections.push(section);
    }
  } finally {
    await server.close();
  }
  if (values.write) await writeSection(sections.join('\n\n'));
}

async function writeSection(text: string): Promise<void> {
  const marks = ['<!-- real -->\n', '<!-- /real -->\n'] as const;
  const file = new URL('../README.md', import.meta.url);
  const page = await readFile(file, 'utf8');
  const [before = '', rest = ''] = page.split(marks[0]);
  const [, after = ''] = rest.split(marks[1]);
  await writeFile(file, `${before}${marks[0]}\n${text}\n\n${marks[1]}${after}`);
}

/** The table of a batch, under a sentence. */
async function compare(url: string, size: number): Promise<string> {
  const requests = requestMix(size, SEED);
  const measured = new Map<string, Measured[]>([...STRATEGIES.keys()].map((name) => [name, []]));
  // Interleaved, and every second round backwards: a slow minute of the machine does not fall on one of them,
  // and a machine that gets quieter does not favour the last.
  const forwards = [...STRATEGIES];
  const [loadBefore = 0] = loadavg();
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, create] of round % 2 === 0 ? forwards : forwards.toReversed()) {
      measured.get(name)?.push(await run(url, requests, create()));
    }
  }
  const [loadAfter = 0] = loadavg();
  const rows = [...measured].map(([name, runs]) => ({
    name,
    seconds: median(runs.map(({ seconds }) => seconds)),
    peak: median(runs.map(({ peak }) => peak)),
  }));
  const bestFixed = Math.min(
    ...rows.filter(({ name }) => name !== ADAPTIVE).map(({ seconds }) => seconds),
  );
  const tokens = requests.reduce((sum, { outputTokens }) => sum + outputTokens, 0);
  const ratioOf = ({ seconds }: { seconds: number }) => (seconds / bestFixed).toFixed(2);
  const ours = rows.find(({ name }) => name === ADAPTIVE) as (typeof rows)[number];
  const loads = [loadBefore, loadAfter].map((load) => load.toFixed(1)).join(' and ');
  return [
    `${size} requests, ${tokens} tokens of answers: \`adaptive()\` took ${ratioOf(ours)} times as long as the best ` +
      `fixed cap. The load of the machine was ${loads} before and after.`,
    tableOf([
      ['', 'seconds', 'to the best fixed cap', 'at once, at most'],
      ...rows.map((row) => [row.name, row.seconds.toFixed(1), ratioOf(row), String(row.peak)]),
    ]),
  ].join('\n\n');
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
