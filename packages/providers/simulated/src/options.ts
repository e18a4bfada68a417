import type { AttemptErrorCode, TaskRequest } from '@stratagem/core';
import {
  ATTEMPT_ERROR_CODES,
  checkDuration,
  checkFlag,
  checkLimit,
  checkOptions,
  OptionError,
} from '@stratagem/core/runner';

/** Latencies with a long tail, like those of real models. */
export interface LognormalLatency {
  /** The median latency, in milliseconds. */
  medianMs: number;
  /** The standard deviation of the logarithm: 0 is no spread, 0.5 is common, 1 is extreme. */
  sigma: number;
}

/** A prompt cache with blocks of 128 tokens. */
export interface SimulatedPromptCache {
  /**
   * The minimum length of a common prefix, in tokens.
   * @default 1_024
   */
  minTokens?: number | undefined;
  /**
   * How long a prompt stays cached after its last use, in milliseconds.
   * @default 300_000
   */
  ttlMs?: number | undefined;
}

export interface SimulatedOptions {
  /**
   * The seed of latencies, failures and responses.
   * @default 1
   */
  seed?: number | undefined;
  /**
   * The latency of a request: a fixed number of milliseconds, or a distribution.
   * @default { medianMs: 300, sigma: 0.5 }
   */
  latencyMs?: number | LognormalLatency | undefined;
  /**
   * The share of requests that fail, 0 to 1.
   * @default 0
   */
  failureRate?: number | undefined;
  /**
   * The error code of these failures.
   * @default 'server_error'
   */
  failureCode?: AttemptErrorCode | undefined;
  /**
   * The maximum number of requests in any minute. Further ones fail as `rate_limited`, with the time
   * to wait.
   * @default Infinity
   */
  requestsPerMinute?: number | undefined;
  /**
   * The maximum number of concurrent requests. Further ones fail as `rate_limited`, with the time until
   * the first one should end.
   * @default Infinity
   */
  maxConcurrent?: number | undefined;
  /**
   * Whether a text is streamed in pieces, as `task_output` events.
   * @default true
   */
  stream?: boolean | undefined;
  /**
   * US dollars per million tokens; without it, the cost is unknown. Cached input tokens cost `inputUsd`
   * unless `cachedInputUsd` is given.
   */
  pricePerMillionTokens?: { inputUsd: number; outputUsd: number; cachedInputUsd?: number };
  /**
   * Simulates a prompt cache: the common prefix with an earlier prompt counts as `cachedInputTokens`,
   * once the response to that prompt has begun.
   * @default no prompt cache
   */
  promptCache?: SimulatedPromptCache | undefined;
  /**
   * Returns the output, or a promise of it. An error that it throws fails the attempt.
   * @default a few sentences that name the task and its inputs; a sample value for a schema; a plan for
   * a request of `@stratagem/planner`
   */
  respond?: ((request: TaskRequest) => unknown) | undefined;
  /**
   * The name of the model in responses and events.
   * @default 'simulated'
   */
  model?: string | undefined;
}

/** The options with their defaults. */
export type Settings = Required<Omit<SimulatedOptions, Optional>> &
  Pick<SimulatedOptions, 'pricePerMillionTokens' | 'respond'> & {
    promptCache?: Required<SimulatedPromptCache> | undefined;
  };

type Optional = 'pricePerMillionTokens' | 'promptCache' | 'respond';

const OPTIONS: readonly (keyof SimulatedOptions)[] = [
  'seed',
  'latencyMs',
  'failureRate',
  'failureCode',
  'requestsPerMinute',
  'maxConcurrent',
  'stream',
  'pricePerMillionTokens',
  'promptCache',
  'respond',
  'model',
];

/** @throws {OptionError} when an option is unknown or out of range. */
export function simulatedSettings(options: SimulatedOptions): Settings {
  checkOptions('simulated()', options, OPTIONS);
  const settings = {
    seed: 1,
    latencyMs: { medianMs: 300, sigma: 0.5 },
    failureRate: 0,
    failureCode: 'server_error' as const,
    requestsPerMinute: Number.POSITIVE_INFINITY,
    maxConcurrent: Number.POSITIVE_INFINITY,
    stream: true,
    model: 'simulated',
    // An undefined option counts as missing.
    ...Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
  } as Settings;
  const { latencyMs, pricePerMillionTokens: price, respond, model, failureCode } = settings;

  checkNumber('seed', settings.seed, Number.NEGATIVE_INFINITY);
  checkLatency(latencyMs);
  checkNumber('failureRate', settings.failureRate, 0, 1);
  if (!ATTEMPT_ERROR_CODES.includes(failureCode)) {
    const codes = ATTEMPT_ERROR_CODES.join(', ');
    throw new OptionError(
      `simulated(): failureCode must be one of ${codes}; it is ${String(failureCode)}`,
    );
  }
  checkLimit('simulated()', 'requestsPerMinute', settings.requestsPerMinute);
  checkLimit('simulated()', 'maxConcurrent', settings.maxConcurrent);
  checkFlag('simulated()', 'stream', settings.stream);
  if (price !== undefined) {
    checkOptions('simulated(): pricePerMillionTokens', price, PRICES);
    checkNumber('pricePerMillionTokens.inputUsd', price.inputUsd, 0);
    checkNumber('pricePerMillionTokens.outputUsd', price.outputUsd, 0);
    const { cachedInputUsd = 0 } = price;
    checkNumber('pricePerMillionTokens.cachedInputUsd', cachedInputUsd, 0);
  }
  if (respond !== undefined && typeof respond !== 'function') {
    throw new OptionError('simulated(): respond must be a function');
  }
  if (typeof model !== 'string' || model === '') {
    throw new OptionError('simulated(): model must be a non-empty string');
  }
  if (options.promptCache === undefined) return settings;
  return { ...settings, promptCache: promptCacheOf(options.promptCache) };
}

const PRICES = ['inputUsd', 'outputUsd', 'cachedInputUsd'];

function promptCacheOf(given: SimulatedPromptCache): Required<SimulatedPromptCache> {
  const owner = 'simulated(): promptCache';
  checkOptions(owner, given, ['minTokens', 'ttlMs']);
  const { minTokens = 1_024, ttlMs = 300_000 } = given;
  checkLimit(owner, 'minTokens', minTokens);
  checkDuration(owner, 'ttlMs', ttlMs);
  return { minTokens, ttlMs };
}

function checkLatency(latency: number | LognormalLatency): void {
  if (typeof latency === 'object' && latency !== null) {
    checkOptions('simulated(): latencyMs', latency, ['medianMs', 'sigma']);
    checkNumber('latencyMs.medianMs', latency.medianMs, 0);
    checkNumber('latencyMs.sigma', latency.sigma, 0);
  } else checkNumber('latencyMs', latency, 0);
}

function checkNumber(name: string, value: number, min: number, max = Number.POSITIVE_INFINITY) {
  if (Number.isFinite(value) && value >= min && value <= max) return;
  const range = max === 1 ? ' from 0 to 1' : min === 0 ? ' of at least 0' : '';
  throw new OptionError(`simulated(): ${name} must be a number${range}; it is ${String(value)}`);
}
