import { checkOptions, OptionError } from '@stratagem/core';
import { checkNumber, checkPositive, type SpreadOption } from '../options.js';
import type { ServerModel } from '../server.js';
import { type Refusal, Station } from '../station.js';

/** How a server behaves that cannot take another request. */
export type OverloadKind = 'server_error' | 'rate_limited' | 'timeout';

export interface OverloadOptions extends SpreadOption {
  /** It works on so many requests at full speed; more share that capacity. */
  readonly capacity: number;
  /**
   * It takes so many in flight; what comes beyond meets the overload.
   * @default twice the capacity
   */
  readonly maxInFlight?: number;
  /** `server_error`: 503 at once; `rate_limited`: 429 at once, without a time; `timeout`: never answered. */
  readonly kind: OverloadKind;
  /**
   * How long a refusal takes, in milliseconds.
   * @default 50
   */
  readonly refusalMs?: number;
}

/**
 * A server that gets slower past its capacity and, past what it can hold, answers no more. Give the
 * run a `timeoutMs`: a request that is never answered would wait for ever.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * overload({ capacity: 16, kind: 'timeout' }); // the 33rd request in flight is lost
 */
export function overload(options: OverloadOptions): ServerModel {
  const owner = 'overload()';
  checkOptions(owner, options, ['capacity', 'maxInFlight', 'kind', 'refusalMs', 'sigma']);
  const { capacity, kind, refusalMs = 50, sigma = 0 } = options;
  const { maxInFlight = 2 * capacity } = options;
  checkPositive(owner, 'capacity', capacity);
  checkPositive(owner, 'maxInFlight', maxInFlight);
  checkNumber(owner, 'refusalMs', refusalMs);
  checkNumber(owner, 'sigma', sigma);
  const refusal = refusalOf(kind, refusalMs);
  const gate = {
    refuse: (_request: unknown, _now: number, inFlight: number) =>
      inFlight >= maxInFlight ? refusal : undefined,
  };
  return {
    name: `overload at ${maxInFlight}: ${kind}`,
    begin: (seed) =>
      new Station({
        ...{ seed, sigma, gate },
        speed: (inFlight) => Math.min(1, capacity / inFlight),
      }),
  };
}

function refusalOf(kind: OverloadKind, afterMs: number): Refusal {
  switch (kind) {
    case 'server_error':
      return { code: kind, message: 'the service is unavailable', status: 503, afterMs };
    case 'rate_limited':
      return { code: kind, message: 'there are too many requests', status: 429, afterMs };
    case 'timeout':
      return { code: kind, message: 'it never answers', afterMs: Number.POSITIVE_INFINITY };
    default:
      throw new OptionError(
        `overload(): kind must be server_error, rate_limited or timeout; it is ${String(kind)}`,
      );
  }
}
