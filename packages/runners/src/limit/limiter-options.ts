import { OptionError } from '@stratagem/core';
import { checkDuration, checkLimit, checkOptions } from '@stratagem/core/runner';

/** The limits of a limiter. A limit that is left out comes from what the server announces. */
export interface LimiterOptions {
  /** The maximum number of requests per minute. */
  readonly requestsPerMinute?: number | undefined;
  /** The maximum number of tokens per minute, input and output together. */
  readonly tokensPerMinute?: number | undefined;
  /** The maximum number of input tokens per minute, for servers that limit them separately. */
  readonly inputTokensPerMinute?: number | undefined;
  /** The maximum number of output tokens per minute, for servers that limit them separately. */
  readonly outputTokensPerMinute?: number | undefined;
  /**
   * The maximum number of requests in flight.
   * @default Infinity
   */
  readonly maxConcurrent?: number | undefined;
  /**
   * How much may start at once after an idle period: what the limits permit in this many
   * milliseconds, and at least one request. Small plans finish sooner with more, but some servers
   * refuse such bursts.
   * @default 250
   */
  readonly burstMs?: number | undefined;
  /**
   * A wait of at least this many milliseconds is logged as a notice; `Infinity` logs none.
   * @default 1_000
   */
  readonly noticeAfterMs?: number | undefined;
}

export type LimiterSettings = Required<LimiterOptions>;

const DEFAULTS: LimiterSettings = {
  requestsPerMinute: Number.POSITIVE_INFINITY,
  tokensPerMinute: Number.POSITIVE_INFINITY,
  inputTokensPerMinute: Number.POSITIVE_INFINITY,
  outputTokensPerMinute: Number.POSITIVE_INFINITY,
  maxConcurrent: Number.POSITIVE_INFINITY,
  burstMs: 250,
  noticeAfterMs: 1_000,
};

const LIMITS = [
  'requestsPerMinute',
  'tokensPerMinute',
  'inputTokensPerMinute',
  'outputTokensPerMinute',
  'maxConcurrent',
] as const;

/** @throws {OptionError} when an option is unknown or out of range. */
export function limiterSettings(owner: string, options: LimiterOptions): LimiterSettings {
  checkOptions(owner, options, Object.keys(DEFAULTS));
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const settings: LimiterSettings = { ...DEFAULTS, ...Object.fromEntries(given) };
  for (const name of LIMITS) checkLimit(owner, name, settings[name]);
  checkDuration(owner, 'burstMs', settings.burstMs);
  const { noticeAfterMs } = settings;
  if (!(typeof noticeAfterMs === 'number' && noticeAfterMs >= 0)) {
    throw new OptionError(
      `${owner}: noticeAfterMs must be a number of milliseconds, or Infinity; it is ${String(noticeAfterMs)}`,
    );
  }
  return settings;
}
