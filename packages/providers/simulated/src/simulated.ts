import {
  type AttemptErrorCode,
  checkFlag,
  checkLimit,
  checkOptions,
  OptionError,
  RunnerError,
  type TaskOutput,
  type TaskRequest,
  type TaskRunner,
} from '@stratagem/core';
import { answerTo, countTokens } from './answer.js';
import { Limits } from './limits.js';
import { lognormal, randomFrom } from './random.js';

/** Latencies with a long tail, as those of real models are. */
export interface LognormalLatency {
  /** Half of the requests take less, in milliseconds. */
  medianMs: number;
  /** Standard deviation of the logarithm: 0 is no spread, 0.5 common, 1 wild. */
  sigma: number;
}

export interface SimulatedOptions {
  /**
   * Another seed gives other latencies, failures and answers; the same seed the same ones.
   * @default 1
   */
  seed?: number;
  /**
   * How long a request takes: fixed in milliseconds, or spread.
   * @default { medianMs: 300, sigma: 0.5 }
   */
  latencyMs?: number | LognormalLatency;
  /**
   * The share of requests that fail, 0 to 1.
   * @default 0
   */
  failureRate?: number;
  /**
   * How they fail.
   * @default 'server_error'
   */
  failureCode?: AttemptErrorCode;
  /**
   * More requests than this in any minute are answered `rate_limited`, with the time to wait.
   * @default Infinity
   */
  requestsPerMinute?: number;
  /**
   * More requests than this at once are answered `rate_limited`.
   * @default Infinity
   */
  maxConcurrent?: number;
  /**
   * Whether the answer arrives in pieces, as `task_output` events.
   * @default true
   */
  stream?: boolean;
  /** US dollars per million tokens; without it the cost is unknown. */
  pricePerMillionTokens?: { inputUsd: number; outputUsd: number };
  /** Makes the answer. @default a few sentences that name the task and the outputs it was given */
  respond?: (request: TaskRequest) => unknown;
  /**
   * The name under which the model reports itself.
   * @default 'simulated'
   */
  model?: string;
}

/** The longest delay a timer takes; a longer one would end at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const OPTIONS = [
  'seed',
  'latencyMs',
  'failureRate',
  'failureCode',
  'requestsPerMinute',
  'maxConcurrent',
  'stream',
  'pricePerMillionTokens',
  'respond',
  'model',
];

/**
 * A model without a network: answers after a while, fails and limits its rate as it is told, and
 * does the same again for the same seed, whatever the order in which tasks run.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * const runner = simulated({ latencyMs: 50, failureRate: 0.1, seed: 7 });
 */
export function simulated(options: SimulatedOptions = {}): TaskRunner {
  checkOptions('simulated()', options, OPTIONS);
  const {
    seed = 1,
    latencyMs = { medianMs: 300, sigma: 0.5 },
    failureRate = 0,
    failureCode = 'server_error',
    requestsPerMinute = Number.POSITIVE_INFINITY,
    maxConcurrent = Number.POSITIVE_INFINITY,
    stream = true,
    pricePerMillionTokens,
    respond,
    model = 'simulated',
  } = options;
  checkNumber('seed', seed, Number.NEGATIVE_INFINITY);
  checkLatency(latencyMs);
  checkNumber('failureRate', failureRate, 0, 1);
  checkLimit('simulated()', 'requestsPerMinute', requestsPerMinute);
  checkLimit('simulated()', 'maxConcurrent', maxConcurrent);
  checkFlag('simulated()', 'stream', stream);
  if (pricePerMillionTokens !== undefined) {
    checkNumber('pricePerMillionTokens.inputUsd', pricePerMillionTokens.inputUsd, 0);
    checkNumber('pricePerMillionTokens.outputUsd', pricePerMillionTokens.outputUsd, 0);
  }
  if (respond !== undefined && typeof respond !== 'function') {
    throw new OptionError('simulated(): respond must be a function');
  }
  const limits = new Limits(requestsPerMinute, maxConcurrent);

  return {
    name: 'simulated',
    resource: `simulated/${model}`,
    async run(request, { attempt, signal, emit }): Promise<TaskOutput> {
      const random = randomFrom(seed, request.taskId, attempt);
      const fails = random() < failureRate;
      const latency =
        typeof latencyMs === 'number'
          ? latencyMs
          : Math.min(MAX_TIMER_MS, lognormal(random, latencyMs.medianMs, latencyMs.sigma));
      const began = performance.now();
      limits.enter(began);
      try {
        if (fails) {
          await until(began + latency, signal);
          throw new RunnerError(failureCode, 'the simulated model failed, as failureRate asks');
        }
        const output = respond === undefined ? answerTo(request, random) : await respond(request);
        const pieces = stream && typeof output === 'string' ? piecesOf(output) : [];
        for (const [index, piece] of pieces.entries()) {
          await until(began + (latency * (index + 1)) / pieces.length, signal);
          emit(piece);
        }
        if (pieces.length === 0) await until(began + latency, signal);
        return { output, model, ...usageOf(request.prompt, output, pricePerMillionTokens) };
      } finally {
        limits.leave();
      }
    },
  };
}

function usageOf(
  prompt: string,
  output: unknown,
  price: SimulatedOptions['pricePerMillionTokens'],
): Pick<TaskOutput, 'usage' | 'costUsd'> {
  const text = typeof output === 'string' ? output : (JSON.stringify(output) ?? '');
  const usage = { inputTokens: countTokens(prompt), outputTokens: countTokens(text) };
  if (price === undefined) return { usage };
  const cost = usage.inputTokens * price.inputUsd + usage.outputTokens * price.outputUsd;
  return { usage, costUsd: cost / 1_000_000 };
}

/** Its sentences, at most eight pieces. */
function piecesOf(text: string): string[] {
  const sentences = text.match(/[^.!?]+[.!?]*\s*/g) ?? [];
  const size = Math.ceil(sentences.length / 8);
  const pieces: string[] = [];
  for (let start = 0; start < sentences.length; start += size) {
    pieces.push(sentences.slice(start, start + size).join(''));
  }
  return pieces;
}

/** Resolves at that time of `performance.now()`; rejects as soon as the signal is aborted. */
function until(time: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(new RunnerError('aborted', 'the request was aborted', { cause: signal.reason }));
    };
    const timer = setTimeout(
      () => {
        signal.removeEventListener('abort', abort);
        resolve();
      },
      Math.max(0, Math.ceil(time - performance.now())),
    );
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}

function checkLatency(latency: number | LognormalLatency): void {
  if (typeof latency === 'object' && latency !== null) {
    checkOptions('simulated(): latencyMs', latency, ['medianMs', 'sigma']);
    checkNumber('latencyMs.medianMs', latency.medianMs, 0, MAX_TIMER_MS);
    checkNumber('latencyMs.sigma', latency.sigma, 0, 10);
  } else checkNumber('latencyMs', latency, 0, MAX_TIMER_MS);
}

function checkNumber(name: string, value: number, min: number, max = Number.POSITIVE_INFINITY) {
  if (Number.isFinite(value) && value >= min && value <= max) return;
  const range = Number.isFinite(max) ? ` from ${min} to ${max}` : min === 0 ? ' of at least 0' : '';
  throw new OptionError(`simulated(): ${name} must be a number${range}; it is ${String(value)}`);
}
