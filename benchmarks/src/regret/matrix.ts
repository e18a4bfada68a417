import type { RetryPolicy } from '@stratagem/core';
import {
  batch,
  chain,
  concurrencyKnee,
  cpuBound,
  diamond,
  fixedLatency,
  fixedWindows,
  type LimitChange,
  lognormalLatency,
  mapReduce,
  mixed,
  overload,
  providers,
  randomLayers,
  rateLimited,
  researchPipeline,
  type ServerModel,
  type Workload,
  wideThenChain,
} from '@stratagem/simulation';

/** Failed attempts are retried until they succeed, with the same policy for every strategy. */
export const RETRY: RetryPolicy = {
  maxAttempts: 10_000,
  initialDelayMs: 500,
  maxDelayMs: 10_000,
  factor: 2,
};

/** The cost of a request that is never answered. */
export const TIMEOUT_MS = 60_000;

export interface ServerCase {
  readonly name: string;
  /** Whether it announces its limits in headers; undefined when it refuses no requests. */
  readonly limits?: 'announced' | 'unannounced';
  /** The factor by which its limit changes during the run; 1 for no change. */
  readonly factor: number;
  /** @param changes The changes of its limit. */
  readonly model: (changes: readonly LimitChange[]) => ServerModel;
}

const sigma = 0.15;
/** The initial quota is small; otherwise a batch would end before the limit matters. */
const initial = 0.05;
const requestsPerMinute = 300;
const tokensPerMinute = 300_000;

export const SERVERS: readonly ServerCase[] = [
  steady('fixed latency', fixedLatency()),
  steady('lognormal latency', lognormalLatency({ sigma: 1 })),
  limited('rpm, announced', { requestsPerMinute }, true),
  limited('rpm', { requestsPerMinute }, false),
  limited('tpm, announced', { tokensPerMinute }, true),
  limited('tpm', { tokensPerMinute }, false),
  steady('knee at 4', concurrencyKnee({ knee: 4, sigma })),
  steady('knee at 16', concurrencyKnee({ knee: 16, sigma })),
  steady('knee at 64', concurrencyKnee({ knee: 64, sigma })),
  steady('CPU-bound, 1 core', cpuBound({ cores: 1, sigma })),
  steady('CPU-bound, 8 cores', cpuBound({ cores: 8, sigma })),
  { ...steady('overload: 503', overloaded('server_error')), limits: 'unannounced' },
  { ...steady('overload: 429', overloaded('rate_limited')), limits: 'unannounced' },
  { ...steady('overload: silence', overloaded('timeout')), limits: 'unannounced' },
  windows('windows, announced', true),
  windows('windows', false),
  limited('rpm ×4, announced', { requestsPerMinute }, true, 4),
  limited('rpm ÷4, announced', { requestsPerMinute: 4 * requestsPerMinute }, true, 0.25),
  limited('rpm ×4', { requestsPerMinute }, false, 4),
  limited('rpm ÷4', { requestsPerMinute: 4 * requestsPerMinute }, false, 0.25),
  moving('knee 8 ×4', 8, 4),
  moving('knee 32 ÷4', 32, 0.25),
  {
    ...steady(
      'two providers',
      providers({
        limited: rateLimited({ requestsPerMinute, initial, announced: true, sigma }),
        slow: concurrencyKnee({ knee: 4, sigma }),
      }),
    ),
    limits: 'announced',
  },
];

/** The sigma of the tasks of a batch: similar, as the answers of a model, but not equal. */
const SPREAD = 0.5;
export const batchOf = (size: number) => (seed: number) => batch(size, { sigma: SPREAD, seed });

/** @param seed The seed of random workloads. */
export const WORKLOADS: readonly ((seed: number) => Workload)[] = [
  batchOf(64),
  batchOf(200),
  () => chain(50),
  () => diamond(),
  () => researchPipeline(),
  randomLayers,
  () => wideThenChain(),
  () => mapReduce(500),
  mixed,
];

function steady(name: string, model: ServerModel): ServerCase {
  return { name, factor: 1, model: () => model };
}

function limited(
  name: string,
  limit: { requestsPerMinute?: number; tokensPerMinute?: number },
  announced: boolean,
  factor = 1,
): ServerCase {
  return {
    name,
    factor,
    limits: announced ? 'announced' : 'unannounced',
    model: (changes) => rateLimited({ ...limit, initial, announced, sigma, changes }),
  };
}

function windows(name: string, announced: boolean): ServerCase {
  return {
    name,
    factor: 1,
    limits: announced ? 'announced' : 'unannounced',
    model: () => fixedWindows({ requests: 100, windowMs: 30_000, announced, sigma }),
  };
}

function moving(name: string, knee: number, factor: number): ServerCase {
  return { name, factor, model: (changes) => concurrencyKnee({ knee, sigma, changes }) };
}

function overloaded(kind: 'server_error' | 'rate_limited' | 'timeout'): ServerModel {
  return overload({ capacity: 16, kind, sigma });
}
