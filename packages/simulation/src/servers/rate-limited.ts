import { OptionError, type RateLimit } from '@stratagem/core';
import { checkFlag, checkOptions } from '@stratagem/core/runner';
import { checkNumber, checkPositive, type SpreadOption } from '../util/check-number.js';
import { wholeMs } from '../util/whole-ms.js';
import { type LimitChange, LimitChanges } from './limit-changes.js';
import { type Gate, QueueingServer, type Refusal } from './queueing-server.js';
import type { Request, ServerModel } from './server.js';

const MINUTE_MS = 60_000;

export interface RateLimitedOptions extends SpreadOption {
  /** @default no limit */
  readonly requestsPerMinute?: number | undefined;
  /**
   * Input and output tokens together, counted when a request arrives.
   * @default no limit
   */
  readonly tokensPerMinute?: number | undefined;
  /**
   * The share of a minute's limit that is available at the start, 0 to 1.
   * @default 1
   */
  readonly initial?: number | undefined;
  /**
   * Whether each response announces the limits, as headers do.
   * @default true
   */
  readonly announced?: boolean | undefined;
  /**
   * How long a refusal takes, in milliseconds.
   * @default 50
   */
  readonly refusalMs?: number | undefined;
  /**
   * Changes of the limits during the run.
   * @default none
   */
  readonly changes?: readonly LimitChange[] | undefined;
}

const OPTIONS: readonly (keyof RateLimitedOptions)[] = [
  'requestsPerMinute',
  'tokensPerMinute',
  'initial',
  'announced',
  'refusalMs',
  'changes',
  'sigma',
];

/**
 * Limits per minute, as token buckets that refill evenly, like those of the large providers. A request
 * over a limit gets a 429 with the time until it fits.
 *
 * @throws {OptionError} when an option is unknown or out of range, or there is no limit at all.
 *
 * @example
 * rateLimited({ requestsPerMinute: 60 });
 */
export function rateLimited(options: RateLimitedOptions): ServerModel {
  const owner = 'rateLimited()';
  checkOptions(owner, options, OPTIONS);
  const { requestsPerMinute, tokensPerMinute, initial = 1, announced = true } = options;
  const { refusalMs = 50, sigma = 0 } = options;
  if (requestsPerMinute === undefined && tokensPerMinute === undefined) {
    throw new OptionError(`${owner} needs requestsPerMinute or tokensPerMinute`);
  }
  for (const name of ['requestsPerMinute', 'tokensPerMinute'] as const) {
    const limit = options[name];
    if (limit !== undefined) checkPositive(owner, name, limit);
  }
  checkNumber(owner, 'initial', initial);
  if (initial > 1) throw new OptionError(`${owner}: initial must be at most 1; it is ${initial}`);
  checkFlag(owner, 'announced', announced);
  checkNumber(owner, 'refusalMs', refusalMs);
  checkNumber(owner, 'sigma', sigma);
  const changes = new LimitChanges(owner, options.changes);
  const limits = [
    requestsPerMinute !== undefined && counted(requestsPerMinute, 'request'),
    tokensPerMinute !== undefined && counted(tokensPerMinute, 'token'),
  ];
  return {
    name: `${limits.filter(Boolean).join(', ')} a minute${announced ? '' : ', unannounced'}`,
    begin: (seed) => {
      const bucketOf = (perMinute: number | undefined) =>
        perMinute === undefined ? undefined : new Bucket(perMinute, initial, changes);
      const buckets = { requests: bucketOf(requestsPerMinute), tokens: bucketOf(tokensPerMinute) };
      return new QueueingServer({ seed, sigma, gate: gateOf(buckets, refusalMs, announced) });
    },
  };
}

function counted(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

interface Buckets {
  readonly requests: Bucket | undefined;
  readonly tokens: Bucket | undefined;
}

function gateOf({ requests, tokens }: Buckets, refusalMs: number, announced: boolean): Gate {
  return {
    refuse(request: Request, now: number): Refusal | undefined {
      const size = request.inputTokens + request.outputTokens;
      const waitMs = Math.max(requests?.waitFor(1, now) ?? 0, tokens?.waitFor(size, now) ?? 0);
      if (waitMs > 0) {
        return {
          code: 'rate_limited',
          message: 'the rate limit is reached',
          status: 429,
          retryAfterMs: wholeMs(waitMs),
          afterMs: refusalMs,
        };
      }
      requests?.take(1);
      tokens?.take(size);
      return undefined;
    },
    announce: (now) =>
      announced
        ? {
            ...(requests && { requests: requests.announce(now) }),
            ...(tokens && { tokens: tokens.announce(now) }),
          }
        : undefined,
  };
}

/** A token bucket that refills evenly and holds a minute's limit. */
class Bucket {
  readonly #perMinute: number;
  readonly #changes: LimitChanges;
  #level: number;
  #updatedAt = 0;

  constructor(perMinute: number, initial: number, changes: LimitChanges) {
    this.#perMinute = perMinute;
    this.#changes = changes;
    this.#level = perMinute * initial;
  }

  /** How long until the amount is available; an amount above the capacity needs a full bucket. */
  waitFor(amount: number, now: number): number {
    this.#update(now);
    const limit = this.#limitAt(now);
    const missing = Math.min(amount, limit) - this.#level;
    // A smaller difference is a rounding error.
    return missing > 1e-9 * limit ? (missing / limit) * MINUTE_MS : 0;
  }

  take(amount: number): void {
    this.#level -= amount;
  }

  announce(now: number): RateLimit {
    this.#update(now);
    const limit = this.#limitAt(now);
    return {
      limit,
      remaining: Math.max(0, Math.floor(this.#level + 1e-6)),
      resetMs: wholeMs(((limit - this.#level) / limit) * MINUTE_MS),
    };
  }

  /** Refills the bucket up to this time, at the rate of each period between changes. */
  #update(now: number): void {
    while (this.#updatedAt < now) {
      const until = Math.min(now, this.#changes.nextAfter(this.#updatedAt));
      const limit = this.#limitAt(this.#updatedAt);
      this.#level += ((until - this.#updatedAt) / MINUTE_MS) * limit;
      this.#updatedAt = until;
      this.#level = Math.min(this.#level, this.#limitAt(until));
    }
  }

  #limitAt(now: number): number {
    return this.#perMinute * this.#changes.factorAt(now);
  }
}
