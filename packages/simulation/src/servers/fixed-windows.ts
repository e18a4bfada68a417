import { checkDuration, checkFlag, checkLimit, checkOptions } from '@stratagem/core/runner';
import { checkNumber, type SpreadOption } from '../util/check-number.js';
import { wholeMs } from '../util/whole-ms.js';
import { type Gate, QueueingServer } from './queueing-server.js';
import type { ServerModel } from './server.js';

export interface FixedWindowsOptions extends SpreadOption {
  /** The number of requests per window. */
  readonly requests: number;
  /** The length of a window, in milliseconds; the first one begins with the run. */
  readonly windowMs: number;
  /**
   * Whether each response announces the limit, as headers do.
   * @default true
   */
  readonly announced?: boolean | undefined;
  /**
   * How long a refusal takes, in milliseconds.
   * @default 50
   */
  readonly refusalMs?: number | undefined;
}

/**
 * A limit per fixed window. All requests of a window may come at once. Further ones get a 429 with the
 * time until the next window.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * fixedWindows({ requests: 100, windowMs: 30_000 });
 */
export function fixedWindows(options: FixedWindowsOptions): ServerModel {
  const owner = 'fixedWindows()';
  checkOptions(owner, options, ['requests', 'windowMs', 'announced', 'refusalMs', 'sigma']);
  const { requests, windowMs, announced = true, refusalMs = 50, sigma = 0 } = options;
  checkLimit(owner, 'requests', requests);
  checkDuration(owner, 'windowMs', windowMs);
  checkFlag(owner, 'announced', announced);
  checkNumber(owner, 'refusalMs', refusalMs);
  checkNumber(owner, 'sigma', sigma);

  const gate = (): Gate => {
    let window = 0;
    let used = 0;
    /** Enters the current window; returns the time until its end. */
    const enter = (now: number) => {
      const current = Math.floor(now / windowMs);
      if (current > window) used = 0;
      window = current;
      return (window + 1) * windowMs - now;
    };
    return {
      refuse(_request, now) {
        const resetMs = enter(now);
        if (used++ < requests) return undefined;
        return {
          code: 'rate_limited',
          message: 'the window is used up',
          status: 429,
          retryAfterMs: wholeMs(resetMs),
          afterMs: refusalMs,
        };
      },
      announce(now) {
        const resetMs = wholeMs(enter(now));
        const remaining = Math.max(0, requests - used);
        return announced ? { requests: { limit: requests, remaining, resetMs } } : undefined;
      },
    };
  };
  return {
    name: `${requests} requests per ${windowMs} ms${announced ? '' : ', unannounced'}`,
    begin: (seed) => new QueueingServer({ seed, sigma, gate: gate() }),
  };
}
