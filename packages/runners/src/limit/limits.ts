import type { RateLimits, RunnerError, TaskOutput, Usage } from '@stratagem/core';
import { BackOff } from './back-off.js';
import type { LimiterSettings } from './limiter-options.js';
import { type Mark, Meter } from './meter.js';
import { type Amounts, amountsUsed, byQuantity, NOTHING, plus, QUANTITIES } from './quantities.js';
import { TokenEstimate } from './token-estimate.js';

/** What the end of a request may tell. Anything may be in it: it comes from a runner. */
export type Outcome = Partial<
  Pick<TaskOutput, 'usage' | 'rateLimits'> & Pick<RunnerError, 'code' | 'retryAfterMs'>
>;

/** A request that was sent, for when its end is known. */
export interface Sent {
  readonly prompt: string;
  readonly amounts: Amounts;
  readonly marks: Readonly<Record<keyof Amounts, Mark>>;
}

/** What keeps a request from being sent: for how long, and why. */
export interface Obstacle {
  readonly waitMs: number;
  readonly why: string;
  /** The error that made it so, if one did. */
  readonly code?: string;
}

const UNITS = {
  requests: 'requests',
  tokens: 'tokens',
  inputTokens: 'input tokens',
  outputTokens: 'output tokens',
} as const;

/** All limits of a server together, and what is known about them. Times are always given. */
export class Limits {
  readonly #meters: Readonly<Record<keyof Amounts, Meter>>;
  readonly #estimate = new TokenEstimate();
  readonly #backOff = new BackOff();

  constructor({ burstMs, ...settings }: LimiterSettings) {
    this.#meters = {
      requests: new Meter(settings.requestsPerMinute, burstMs),
      tokens: new Meter(settings.tokensPerMinute, burstMs),
      inputTokens: new Meter(settings.inputTokensPerMinute, burstMs),
      outputTokens: new Meter(settings.outputTokensPerMinute, burstMs),
    };
  }

  /** What a request with this prompt is likely to amount to. */
  estimate(prompt: string): Amounts {
    return this.#estimate.of(prompt);
  }

  /** What keeps such a request from being sent now; undefined when nothing does. */
  obstacle(amounts: Amounts, now: number): Obstacle | undefined {
    let longest: Obstacle = {
      waitMs: this.#backOff.pausedUntil - now,
      why: 'the server, which had refused a request',
      code: 'rate_limited',
    };
    const pace = this.#backOff.pace(now);
    for (const quantity of QUANTITIES) {
      const meter = this.#meters[quantity];
      const waitMs = meter.waitMs(amounts[quantity], pace, now);
      if (waitMs <= 0 || waitMs <= longest.waitMs) continue;
      longest = { waitMs, why: `the limit of ${counted(meter.limit, UNITS[quantity])} per minute` };
    }
    return longest.waitMs > 0 ? longest : undefined;
  }

  /** How long until such a request can be sent at the earliest, after so much else has been. */
  leastWaitMs(amounts: Amounts, ahead: Amounts, now: number): number {
    const pace = this.#backOff.pace(now);
    let waitMs = Math.max(0, this.#backOff.pausedUntil - now);
    for (const quantity of QUANTITIES) {
      const meter = this.#meters[quantity];
      const least = meter.leastWaitMs(amounts[quantity], ahead[quantity], pace, now);
      waitMs = Math.max(waitMs, least);
    }
    return waitMs;
  }

  send(prompt: string, amounts: Amounts, now: number): Sent {
    const marks = byQuantity((quantity) => this.#meters[quantity].take(amounts[quantity], now));
    return { prompt, amounts, marks };
  }

  /** One more request of the same attempt, whose tokens are told when that has ended. */
  sendAgain(now: number): void {
    this.#meters.requests.take(1, now);
  }

  /**
   * Takes in how a request ended.
   *
   * @returns Whether those who wait may have to wait for longer now.
   */
  ended({ prompt, amounts, marks }: Sent, outcome: Outcome, now: number): boolean {
    const { usage, rateLimits, code, retryAfterMs } = outcome;
    const refusal = code === 'rate_limited' || code === 'overloaded' ? code : undefined;
    if (isUsage(usage)) {
      const used = amountsUsed(usage);
      this.#estimate.learn(prompt, used);
      this.#correct(amounts, used, marks, now);
    } else if (refusal !== undefined) {
      this.#correct(amounts, NOTHING, marks, now);
    }
    const isExplained = this.#announced(rateLimits, marks, now);
    const startedAt = marks.requests.at;
    const known = isAmount(retryAfterMs) ? retryAfterMs : undefined;
    const ending = { startedAt, refusal, retryAfterMs: known, isExplained };
    return this.#backOff.learn(ending, now) || isExplained;
  }

  /** The number of requests was no estimate. */
  #correct(guess: Amounts, actual: Amounts, marks: Sent['marks'], now: number): void {
    const beyond = plus(actual, guess, -1);
    for (const quantity of QUANTITIES) {
      if (quantity === 'requests') continue;
      this.#meters[quantity].correct(beyond[quantity], marks[quantity], now);
    }
  }

  /** @returns Whether a limit is lower now. */
  #announced(limits: RateLimits | undefined, marks: Sent['marks'], now: number): boolean {
    let isLower = false;
    for (const quantity of QUANTITIES) {
      const limit = limits?.[quantity] ?? {};
      if (this.#meters[quantity].announced(limit, marks[quantity], now)) isLower = true;
    }
    return isLower;
  }
}

/** A number with what it counts, given as more than one. */
export function counted(count: number, things: string): string {
  return `${count.toLocaleString('en')} ${count === 1 ? things.slice(0, -1) : things}`;
}

function isUsage(usage: Usage | undefined): usage is Usage {
  const counts = [usage?.inputTokens, usage?.outputTokens, usage?.cachedInputTokens ?? 0];
  return counts.every(isAmount);
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < Number.POSITIVE_INFINITY;
}
