import { OptionError } from '@stratagem/core';
import { checkOptions } from '@stratagem/core/runner';
import { checkNumber, checkPositive, type SpreadOption } from '../util/check-number.js';
import { QueueingServer, type Refusal } from './queueing-server.js';
import type { ServerModel } from './server.js';

/** The response of a server that is full. */
export type OverloadKind = 'server_error' | 'rate_limited' | 'timeout';

export interface OverloadOptions extends SpreadOption {
  /** The number of requests that run at full speed; more requests share that capacity. */
  readonly capacity: number;
  /**
   * The maximum number of requests in flight; further ones are refused.
   * @default twice the capacity
   */
  readonly maxInFlight?: number | undefined;
  /** `server_error`: a 503; `rate_limited`: a 429 without a time; `timeout`: no response at all. */
  readonly kind: OverloadKind;
  /**
   * How long a refusal takes, in milliseconds.
   * @default 50
   */
  readonly refusalMs?: number | undefined;
}

/**
 * A server that slows down past its capacity, and refuses or loses requests past its maximum. Give the
 * run a `timeoutMs` with `kind: 'timeout'`, because a lost request would wait forever.
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
      new QueueingServer({
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
      return { code: kind, message: 'no response', afterMs: Number.POSITIVE_INFINITY };
    default:
      throw new OptionError(
        `overload(): kind must be server_error, rate_limited or timeout; it is ${String(kind)}`,
      );
  }
}
