import { checkFlag, checkOptions, OptionError, type RateLimit } from '@stratagem/core';
import { type Change, Changes } from '../changes.js';
import { checkNumber, checkPositive, type SpreadOption } from '../options.js';
import type { Request, ServerModel } from '../server.js';
import { type Gate, type Refusal, Station } from '../station.js';
import { wholeMs } from '../whole-ms.js';

const MINUTE_MS = 60_000;

export interface RateLimitedOptions extends SpreadOption {
  /** @default no limit */
  readonly requestsPerMinute?: number;
  /**
   * Input and output tokens together, counted when a request comes in.
   * @default no limit
   */
  readonly tokensPerMinute?: number;
  /**
   * What is left of a minute's allowance at the start, 0 to 1; it refills evenly.
   * @default 1
   */
  readonly initial?: number;
  /**
   * Whether each answer announces the limits, as headers do.
   * @default true
   */
  readonly announced?: boolean;
  /**
   * How long a refusal takes, in milliseconds.
   * @default 50
   */
  readonly refusalMs?: number;
  /**
   * How the limits change while the run goes on.
   * @default they stay
   */
  readonly changes?: readonly Change[];
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
 * Limits per minute in buckets that refill evenly, as those of the large providers are. What is
 * over a limit is answered 429, with the time until there is room for it.
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
  const changes = new Changes(owner, options.changes);
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
      return new Station({ seed, sigma, gate: gateOf(buckets, refusalMs, announced) });
    },
  };
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
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

/** An allowance that refills evenly, up to that of a minute. */
class Bucket {
  readonly #perMinute: number;
  readonly #changes: Changes;
  #level: number;
  #updatedAt = 0;

  constructor(perMinute: number, initial: number, changes: Changes) {
    this.#perMinute = perMinute;
    this.#changes = changes;
    this.#level = perMinute * initial;
  }

  /** How long until so much is there, in milliseconds; what is more than a minute's is let in when it is full. */
  waitFor(amount: number, now: number): number {
    this.#update(now);
    const limit = this.#limitAt(now);
    const missing = Math.min(amount, limit) - this.#level;
    // What is missing by less than this is a rounding error.
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

  /** Refills, piece by piece where the limit changed. */
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
