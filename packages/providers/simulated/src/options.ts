import {
  ATTEMPT_ERROR_CODES,
  type AttemptErrorCode,
  checkDuration,
  checkFlag,
  checkLimit,
  checkOptions,
  OptionError,
  type TaskRequest,
} from '@stratagem/core';

/** Latencies with a long tail, as those of real models are. */
export interface LognormalLatency {
  /** Half of the requests take less, in milliseconds. */
  medianMs: number;
  /** Standard deviation of the logarithm: 0 is no spread, 0.5 common, 1 wild. */
  sigma: number;
}

/** How the model caches prompts: in blocks of 128 tokens. */
export interface SimulatedPromptCache {
  /**
   * Less than this in common counts for nothing.
   * @default 1_024
   */
  minTokens?: number;
  /**
   * How long a prompt stays cached after it was last used, in milliseconds.
   * @default 300_000
   */
  ttlMs?: number;
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
   * More requests than this at once are answered `rate_limited`, with the time until the first of
   * them is due to end.
   * @default Infinity
   */
  maxConcurrent?: number;
  /**
   * Whether a text arrives in pieces, as `task_output` events.
   * @default true
   */
  stream?: boolean;
  /**
   * US dollars per million tokens; without it the cost is unknown. Input tokens from the prompt
   * cache cost `inputUsd` too, unless `cachedInputUsd` is given.
   */
  pricePerMillionTokens?: { inputUsd: number; outputUsd: number; cachedInputUsd?: number };
  /**
   * Lets the model cache prompts as real ones do: what a prompt has in common with the beginning of
   * an earlier one counts as `cachedInputTokens`, from when that one's answer began.
   * @default no prompt is cached
   */
  promptCache?: SimulatedPromptCache;
  /**
   * Makes the answer, or a promise of it. What it throws becomes the error of the attempt.
   * @default a few sentences that name the task and the outputs it was given; a made-up value where
   * there is a schema; a plan where `@stratagem/planner` asks for one
   */
  respond?: (request: TaskRequest) => unknown;
  /**
   * The name under which the model reports itself.
   * @default 'simulated'
   */
  model?: string;
}

/** The options with their defaults. */
export type Settings = Required<Omit<SimulatedOptions, Optional>> &
  Pick<SimulatedOptions, 'pricePerMillionTokens' | 'respond'> & {
    promptCache?: Required<SimulatedPromptCache>;
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
export function settingsOf(options: SimulatedOptions): Settings {
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
    // An option that is written out as undefined is an option that was not given.
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
    throw new OptionError('simulated(): model must be a name, a string that is not empty');
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
