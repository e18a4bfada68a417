import { journalErrors } from '../contract/journal-error.js';
import type { SharedLimits } from '../contract/shared-limits.js';

const MINUTE_MS = 60_000;

/**
 * Shared limits in memory: for several limiters of one process, and for tests. `@stratagem/postgres`
 * shares limits between processes.
 *
 * @example
 * const shared = memorySharedLimits();
 * const quick = rateLimit(openai({ model: 'gpt-6.1-luna' }), { requestsPerMinute: 600, shared });
 */
export function memorySharedLimits(): SharedLimits {
  /** The end of each schedule, by `performance.now()`. */
  const ends = new Map<string, number>();
  const pausedUntil = new Map<string, number>();
  const listeners = new Set<(resource: string, durationMs: number) => void>();
  let isClosed = false;

  const requireOpen = () => {
    if (isClosed) throw journalErrors.closed();
  };
  const close = async () => {
    isClosed = true;
  };

  return {
    async reserve(resource, amounts) {
      requireOpen();
      const now = performance.now();
      const aheadMs = amounts.map(({ quantity, amount, perMinute }) => {
        const name = JSON.stringify([resource, quantity]);
        const start = Math.max(now, ends.get(name) ?? now);
        ends.set(name, start + (amount / perMinute) * MINUTE_MS);
        return start - now;
      });
      return { aheadMs, pausedMs: Math.max(0, (pausedUntil.get(resource) ?? now) - now) };
    },
    async pause(resource, durationMs) {
      requireOpen();
      const until = performance.now() + durationMs;
      if (until <= (pausedUntil.get(resource) ?? 0)) return;
      pausedUntil.set(resource, until);
      for (const listener of [...listeners]) listener(resource, durationMs);
    },
    onPause(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
