export const KINDS = ['sliding window', 'fixed windows', 'bucket'] as const;
/** How a server counts requests: over the last minute, by clock minutes, or by a token bucket. */
export type Kind = (typeof KINDS)[number];

/** The state of a server's limit. */
export interface Count {
  remaining(now: number): number;
  take(now: number): void;
  /** The time until the full limit is available again. */
  resetMs(now: number): number;
  /** The time until one more request is accepted. */
  retryAfterMs(now: number): number;
}

const MINUTE_MS = 60_000;

/** @param burst The capacity of a bucket. */
export function countOf(kind: Kind, perMinute: number, burst: number): Count {
  return { 'sliding window': sliding, 'fixed windows': fixed, bucket }[kind](perMinute, burst);
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
  // The server's minutes begin at another time than the test.
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
