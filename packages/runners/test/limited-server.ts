import { type RateLimits, RunnerError, type TaskRunner } from '@stratagem/core';
import { countOf, type Kind } from './counts.js';

export interface LimitedServerOptions {
  readonly kind: Kind;
  readonly requestsPerMinute: number;
  /** The capacity of a bucket. */
  readonly burst?: number;
  /** Whether it announces its limits. */
  readonly announces?: boolean;
  /** Whether a refusal says how long to wait. */
  readonly advises?: boolean;
  /** The minimum and maximum duration of a response. */
  readonly latencyMs?: readonly [number, number];
  /** The maximum network delay of a request. */
  readonly onTheWayMs?: number;
  /** The share of permitted requests that fail: with a 500, a 429 or a lost connection. */
  readonly faults?: number;
}

const FAULTS = ['server_error', 'connection', 'rate_limited'] as const;

/**
 * A server that enforces a rate limit in virtual time. It counts arrivals and refusals. Network
 * delays and durations are evenly distributed, and the same in each test.
 */
export function limitedServer(options: LimitedServerOptions): TaskRunner & {
  readonly arrivals: readonly number[];
  readonly refusals: readonly number[];
} {
  const { kind, requestsPerMinute: limit, announces = false, advises = true } = options;
  const { burst = 10, latencyMs = [300, 3_000], onTheWayMs = 60, faults = 0 } = options;
  const count = countOf(kind, limit, burst);
  const arrivals: number[] = [];
  const refusals: number[] = [];
  let seed = 1;
  const random = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };

  return {
    name: 'server',
    arrivals,
    refusals,
    async run() {
      await sleep(random() * onTheWayMs);
      const now = performance.now();
      arrivals.push(now);
      const isRefused = count.remaining(now) < 1;
      if (!isRefused) count.take(now);
      const remaining = Math.floor(count.remaining(now));
      const rateLimits: RateLimits | undefined = announces
        ? { requests: { limit, remaining, resetMs: Math.ceil(count.resetMs(now)) } }
        : undefined;
      if (isRefused) {
        refusals.push(now);
        await sleep(random() * onTheWayMs);
        const retryAfterMs = advises ? Math.ceil(count.retryAfterMs(now)) : undefined;
        throw new RunnerError('rate_limited', 'too many', { rateLimits, retryAfterMs });
      }
      await sleep(latencyMs[0] + random() * (latencyMs[1] - latencyMs[0]));
      if (faults > 0 && random() < faults) {
        const code = FAULTS[Math.floor(random() * FAULTS.length)] as (typeof FAULTS)[number];
        const retryAfterMs = code === 'rate_limited' ? 20 : undefined;
        throw new RunnerError(code, 'a fault', { retryAfterMs });
      }
      return { output: 'done', rateLimits };
    },
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
