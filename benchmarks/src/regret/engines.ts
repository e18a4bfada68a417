import type { ServerModel, Workload } from '@stratagem/simulation';
import { type Request, requestMix } from '../real/requests.js';
import { BatchingEngine } from './batching-engine.js';
import { type ServerCase, WORKLOADS } from './matrix.js';

/** How long a token of an answer takes, by the number of answers that get one in the same pass: relative to one. */
type Measured = readonly (readonly [answers: number, ratio: number])[];

/**
 * `pnpm bench real` with one thread on two cores, on a quiet machine: the medians of both batches, without the
 * time of the prompts.
 */
const ONE_THREAD: Measured = [
  [1, 1],
  [2, 0.97],
  [4, 0.99],
  [8, 0.96],
  [16, 0.77],
  [32, 0.95],
];

/**
 * A first look with two threads on two busy cores: 64 answers of 64 tokens took 37.5 s at 1, 43 at 4, 55 at 8,
 * 46 at 16, and 29.5 at 32. Throughput first falls and then rises.
 */
const TWO_THREADS: Measured = [
  [1, 1],
  [4, 1.15],
  [8, 1.47],
  [16, 1.23],
  [32, 0.79],
];

/** The time of a token of an answer, alone, and of a token of a prompt. */
const ANSWER_TOKEN_MS = 1.2;
const PROMPT_TOKEN_MS = 0.26;

function llamaCpp(name: string, measured: Measured): ServerCase {
  return engine(name, 32, (answers) => ANSWER_TOKEN_MS * interpolated(measured, answers));
}

function engine(
  name: string,
  sequences: number,
  answerTokenMs: (answers: number) => number,
): ServerCase {
  const model: ServerModel = {
    name,
    begin: (seed) =>
      new BatchingEngine({
        ...{ seed, sigma: 0.1, sequences, tokensPerPass: 512 },
        ...{ promptTokenMs: PROMPT_TOKEN_MS, answerTokenMs },
      }),
  };
  return { name, factor: 1, model: () => model };
}

/** The value at a number, interpolated between those measured on logarithmic scales. */
function interpolated(measured: Measured, at: number): number {
  let [before] = measured as [readonly [number, number]];
  for (const point of measured) {
    if (at <= point[0]) {
      const share = at === point[0] ? 1 : Math.log(at / before[0]) / Math.log(point[0] / before[0]);
      return before[1] * (point[1] / before[1]) ** share;
    }
    before = point;
  }
  return before[1];
}

/** A pass of an engine that keeps four requests at once and lets others wait, as llama.cpp's server and Ollama do. */
const PASS_OF_FOUR_MS = 5;

/** Beside the servers of the matrix, whose throughput rises until the server is full. */
export const ENGINES: readonly ServerCase[] = [
  llamaCpp('llama.cpp, one thread', ONE_THREAD),
  llamaCpp('llama.cpp, two threads', TWO_THREADS),
  engine('four sequences', 4, (answers) => PASS_OF_FOUR_MS / answers),
];

/** The requests of `pnpm bench real` as a workload. */
const requestsOf =
  (size: number) =>
  (seed: number): Workload => {
    const requests = requestMix(size, seed);
    const tasks = requests.map((_, index) => ({ id: `${index}`, description: `Do ${index}` }));
    const name = `${size} requests`;
    return {
      name,
      plan: { goal: name, tasks },
      demandOf({ id }) {
        const { prompt, outputTokens } = requests[Number(id)] as Request;
        // A word is a token. Engines take the tokens, not the work.
        return { workMs: 0, inputTokens: prompt.split(' ').length, outputTokens };
      },
    };
  };

/** The workloads of the matrix, with the requests of `pnpm bench real` for its batches. */
export const ENGINE_WORKLOADS = [requestsOf(64), requestsOf(200), ...WORKLOADS.slice(2)];
