import type { RateLimits, RunnerError, TaskOutput, Usage } from '@stratagem/core';
import { BackOff } from './back-off.js';
import type { LimiterSettings } from './limiter-options.js';
import { Meter, type MeterReading } from './meter.js';
import {
  byQuantity,
  QUANTITIES,
  type Quantities,
  type Quantity,
  quantitiesUsed,
  subtract,
  ZERO,
} from './quantities.js';
import { TokenEstimate } from './token-estimate.js';

/** What a response or an error says about limits. It comes from a runner, so fields are unchecked. */
export type LimitFeedback = Partial<
  Pick<TaskOutput, 'usage' | 'rateLimits'> & Pick<RunnerError, 'code' | 'retryAfterMs'>
>;

/** A request that was sent, to be passed to {@link Limits.recordEnd}. */
export interface SentRequest {
  readonly ownTokens: number;
  readonly estimate: Quantities;
  readonly readings: Readonly<Record<Quantity, MeterReading>>;
}

/** Why a request has to wait, and for how long. */
export interface Delay {
  readonly waitMs: number;
  /** Completes the sentence "waited for …". */
  readonly reason: string;
  /** The code of the error that caused it, if one did. */
  readonly code?: string | undefined;
}

const UNITS = {
  requests: 'requests',
  tokens: 'tokens',
  inputTokens: 'input tokens',
  outputTokens: 'output tokens',
} as const;

/** A burst of fewer requests than this does not explain a refusal. */
const MIN_BURST = 4;
/** What a busy process has missed for longer than this is lost. */
const MAX_LATE_MS = 1_000;

/** All limits of a server, and what its responses say about them. The caller passes the time. */
export class Limits {
  readonly #meters: Readonly<Record<Quantity, Meter>>;
  readonly #estimate = new TokenEstimate();
  readonly #backOff = new BackOff();
  readonly #burstMs: number;

  constructor({ burstMs, ...settings }: LimiterSettings) {
    this.#burstMs = burstMs;
    this.#meters = {
      requests: new Meter(settings.requestsPerMinute, burstMs),
      tokens: new Meter(settings.tokensPerMinute, burstMs),
      inputTokens: new Meter(settings.inputTokensPerMinute, burstMs),
      outputTokens: new Meter(settings.outputTokensPerMinute, burstMs),
    };
  }

  /** The limits per minute that are in force now; Infinity where there is none. */
  rates(now: number): Quantities {
    const pace = this.#backOff.pace(now);
    return byQuantity((quantity) => this.#meters[quantity].perMinute(pace));
  }

  /** By `performance.now()`. */
  get pausedUntil(): number {
    return this.#backOff.pausedUntil;
  }

  /** @returns Whether the pause is longer now. */
  pauseUntil(time: number): boolean {
    return this.#backOff.pauseUntil(time);
  }

  /** What a request with so many tokens of prompt and attachments is likely to use. */
  estimate(ownTokens: number): Quantities {
    return this.#estimate.of(ownTokens);
  }

  /** Why such a request has to wait now; undefined when it can be sent. */
  delay(estimate: Quantities, now: number): Delay | undefined {
    let longest: Delay = {
      waitMs: this.#backOff.pausedUntil - now,
      reason: 'the server, which had refused a request',
      code: 'rate_limited',
    };
    const pace = this.#backOff.pace(now);
    for (const quantity of QUANTITIES) {
      const meter = this.#meters[quantity];
      const waitMs = meter.waitMs(estimate[quantity], pace, now);
      if (waitMs <= 0 || waitMs <= longest.waitMs) continue;
      const reason = `the limit of ${counted(meter.limit, UNITS[quantity])} per minute`;
      longest = { waitMs, reason };
    }
    return longest.waitMs > 0 ? longest : undefined;
  }

  /**
   * Waiting requests are looked at later than they could have been sent, because the process was busy: they
   * catch up, as far as the server has taken bursts. No minute gets more than its limit.
   */
  recordLate(ms: number, now: number): void {
    const keptMs = Math.min(ms, MAX_LATE_MS) * this.#backOff.burst;
    for (const quantity of QUANTITIES) this.#meters[quantity].recordLate(keptMs, now);
  }

  /** The minimum time until such a request can be sent, after the queue `ahead` of it. */
  leastWaitMs(estimate: Quantities, ahead: Quantities, now: number): number {
    const pace = this.#backOff.pace(now);
    let waitMs = Math.max(0, this.#backOff.pausedUntil - now);
    for (const quantity of QUANTITIES) {
      const meter = this.#meters[quantity];
      const least = meter.leastWaitMs(estimate[quantity], ahead[quantity], pace, now);
      waitMs = Math.max(waitMs, least);
    }
    return waitMs;
  }

  recordSent(ownTokens: number, estimate: Quantities, now: number): SentRequest {
    const readings = byQuantity((quantity) => this.#meters[quantity].take(estimate[quantity], now));
    return { ownTokens, estimate, readings };
  }

  /** Counts another request of the same attempt. Its tokens are counted when the attempt ends. */
  recordResent(now: number): void {
    this.#meters.requests.take(1, now);
  }

  /**
   * Updates the limits with the end of a request.
   *
   * @returns Whether waiting requests may have to wait longer now.
   */
  recordEnd(sent: SentRequest, feedback: LimitFeedback, now: number): boolean {
    const { usage, rateLimits, retryAfterMs } = feedback;
    const refusal = refusalOf(feedback);
    if (isUsage(usage)) this.#estimate.learn(sent.ownTokens, quantitiesUsed(usage));
    this.#correctTokens(sent, correctionOf(sent, feedback), now);
    const isExplained = this.#applyAnnouncements(rateLimits, sent.readings, now);
    const end = {
      startedAt: sent.readings.requests.at,
      refusal,
      retryAfterMs: isAmount(retryAfterMs) ? retryAfterMs : undefined,
      isExplained,
      mayBurst: this.#meters.requests.burstAt(this.#backOff.pace(now)) >= MIN_BURST,
    };
    const isLonger = this.#backOff.recordEnd(end, now);
    for (const quantity of QUANTITIES) {
      this.#meters[quantity].setBurst(this.#burstMs * this.#backOff.burst);
    }
    return isLonger || isExplained;
  }

  /** Replaces the estimated tokens with the actual ones. */
  #correctTokens({ readings }: SentRequest, difference: Quantities, now: number): void {
    for (const quantity of QUANTITIES) {
      if (difference[quantity] === 0) continue;
      this.#meters[quantity].correct(difference[quantity], readings[quantity], now);
    }
  }

  /** @returns Whether a limit is lower now. */
  #applyAnnouncements(
    limits: RateLimits | undefined,
    readings: SentRequest['readings'],
    now: number,
  ): boolean {
    let isLower = false;
    for (const quantity of QUANTITIES) {
      const limit = limits?.[quantity] ?? {};
      if (this.#meters[quantity].applyAnnouncement(limit, readings[quantity], now)) isLower = true;
    }
    return isLower;
  }
}

/** How much more a request has used than was estimated. A refused one has used a request, but no tokens. */
export function correctionOf({ estimate }: SentRequest, feedback: LimitFeedback): Quantities {
  const { usage } = feedback;
  const used = isUsage(usage) ? quantitiesUsed(usage) : ZERO;
  if (!isUsage(usage) && refusalOf(feedback) === undefined) return ZERO;
  return { ...subtract(used, estimate), requests: 0 };
}

function refusalOf({ code }: LimitFeedback): 'rate_limited' | 'overloaded' | undefined {
  return code === 'rate_limited' || code === 'overloaded' ? code : undefined;
}

/** A count with its unit, which is given in the plural. */
export function counted(count: number, unit: string): string {
  return `${count.toLocaleString('en')} ${count === 1 ? unit.slice(0, -1) : unit}`;
}

function isUsage(usage: Usage | undefined): usage is Usage {
  const counts = [usage?.inputTokens, usage?.outputTokens, usage?.cachedInputTokens ?? 0];
  return counts.every(isAmount);
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < Number.POSITIVE_INFINITY;
}
