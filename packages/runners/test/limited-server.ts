import { type RateLimits, RunnerError, type TaskRunner } from '@stratagem/core';

export const KINDS = ['sliding window', 'fixed windows', 'bucket'] as const;
export type Kind = (typeof KINDS)[number];

export interface LimitedServerOptions {
  /** How it counts: the last minute, clock minutes, or by a bucket that refills evenly. */
  readonly kind: Kind;
  readonly requestsPerMinute: number;
  /** What a full bucket holds. */
  readonly burst?: number;
  /** Whether it announces its limits. */
  readonly announces?: boolean;
  /** Whether a refusal says how long to wait. */
  readonly advises?: boolean;
  /** How long an answer takes: at least and at most. */
  readonly latencyMs?: readonly [number, number];
  /** The longest that a request is on its way. */
  readonly onTheWayMs?: number;
}

/** What a server thinks of its limit: how much is left, and when there will be more. */
interface Count {
  remaining(now: number): number;
  take(now: number): void;
  /** Until it is whole again. */
  resetMs(now: number): number;
  /** Until there is one more. */
  retryAfterMs(now: number): number;
}

const MINUTE_MS = 60_000;

/**
 * A server that enforces a rate, in virtual time. It counts what arrives and what it refuses; the
 * times that a request is on its way, and is worked on, are spread evenly, the same in each test.
 */
export function limitedServer(options: LimitedServerOptions): TaskRunner & {
  readonly arrivals: readonly number[];
  readonly refusals: readonly number[];
  /** Somebody else sends a request. */
  intrude(): void;
} {
  const { kind, requestsPerMinute: limit, announces = false, advises = true } = options;
  const { burst = 10, latencyMs = [300, 3_000], onTheWayMs = 60 } = options;
  const count = { 'sliding window': sliding, 'fixed windows': fixed, bucket }[kind](limit, burst);
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
    intrude: () => count.take(performance.now()),
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
      return { output: 'done', rateLimits };
    },
  };
}

function sliding(limit: number): Count {
  let times: number[] = [];
  const recent = (now: number) => {
    times = times.filter((time) => time > now - MINUTE_MS);
    return times;
  };
  return {
    remaining: (now) => limit - recent(now).length,
    take: (now) => void times.push(now),
    resetMs: (now) => (recent(now).at(-1) ?? now - MINUTE_MS) + MINUTE_MS - now,
    retryAfterMs: (now) => (recent(now)[0] as number) + MINUTE_MS - now,
  };
}

function fixed(limit: number): Count {
  // Its minutes are not ours.
  const offset = 17_000;
  const windowOf = (now: number) => Math.floor((now + offset) / MINUTE_MS);
  let window = 0;
  let used = 0;
  const enter = (now: number) => {
    if (windowOf(now) !== window) used = 0;
    window = windowOf(now);
  };
  const untilNext = (now: number) => (windowOf(now) + 1) * MINUTE_MS - offset - now;
  return {
    remaining(now) {
      enter(now);
      return limit - used;
    },
    take(now) {
      enter(now);
      used++;
    },
    resetMs: untilNext,
    retryAfterMs: untilNext,
  };
}

function bucket(limit: number, burst: number): Count {
  const perMs = limit / MINUTE_MS;
  let level = burst;
  let at = performance.now();
  const levelAt = (now: number) => Math.min(burst, level + (now - at) * perMs);
  return {
    remaining: levelAt,
    take(now) {
      level = levelAt(now) - 1;
      at = now;
    },
    resetMs: (now) => (burst - levelAt(now)) / perMs,
    retryAfterMs: (now) => (1 - levelAt(now)) / perMs,
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
