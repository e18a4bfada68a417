import { checkDuration, checkLimit, checkOptions, OptionError } from '@stratagem/core';

/** What a limiter permits. A limit that is left out is taken from what the server announces. */
export interface LimiterOptions {
  /** The most requests sent within a minute. */
  readonly requestsPerMinute?: number;
  /** The most tokens used within a minute, input and output together. */
  readonly tokensPerMinute?: number;
  /** The most input tokens within a minute, for servers that count them apart. */
  readonly inputTokensPerMinute?: number;
  /** The most output tokens within a minute, for servers that count them apart. */
  readonly outputTokensPerMinute?: number;
  /**
   * The most requests in flight at once.
   * @default Infinity
   */
  readonly maxConcurrent?: number;
  /**
   * How much may start at once after a quiet time: what the limits permit in so many milliseconds,
   * and one request at least. More is quicker for a few tasks, and more than some servers take.
   * @default 250
   */
  readonly burstMs?: number;
  /**
   * A wait of at least so many milliseconds is told in the log; `Infinity` tells of none.
   * @default 1_000
   */
  readonly noticeAfterMs?: number;
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
