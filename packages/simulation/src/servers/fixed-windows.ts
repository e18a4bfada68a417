import { checkDuration, checkFlag, checkLimit, checkOptions } from '@stratagem/core';
import { checkNumber, type SpreadOption } from '../options.js';
import type { ServerModel } from '../server.js';
import { type Gate, Station } from '../station.js';
import { wholeMs } from '../whole-ms.js';

export interface FixedWindowsOptions extends SpreadOption {
  /** How many requests a window takes. */
  readonly requests: number;
  /** How long a window is, in milliseconds; the first begins at the start of the run. */
  readonly windowMs: number;
  /**
   * Whether each answer announces the limit, as headers do.
   * @default true
   */
  readonly announced?: boolean;
  /**
   * How long a refusal takes, in milliseconds.
   * @default 50
   */
  readonly refusalMs?: number;
}

/**
 * So many requests per window: all of them at once if need be, and then none before the next. What
 * is over it is answered 429, with the time until then.
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
    /** @returns How long the window goes on. */
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
    begin: (seed) => new Station({ seed, sigma, gate: gate() }),
  };
}
