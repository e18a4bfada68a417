import type { SharedLimits } from '@stratagem/core/journal';
import { checkDuration, checkLimit, checkOptions, OptionError } from '@stratagem/core/runner';

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
  /**
   * Limits that this limiter shares with those of other processes, such as `postgresLimits()`: all of them
   * together keep within the given limits per minute, and a pause that the server asks one of them for
   * holds for all. `maxConcurrent` counts the requests of this process alone. While the shared limits
   * cannot be reached, requests wait.
   * @default this process has the limits for itself
   */
  readonly shared?: SharedLimits | undefined;
  /**
   * The name of what is limited, in the shared limits: usually provider and model. Limiters with the same
   * name share.
   * @default the resource of the runner; `createLimiter()` needs a name
   */
  readonly resource?: string | undefined;
}

export type LimiterSettings = Required<Omit<LimiterOptions, 'shared' | 'resource'>> &
  Pick<LimiterOptions, 'shared' | 'resource'>;

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
  checkOptions(owner, options, [...Object.keys(DEFAULTS), 'shared', 'resource']);
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
  checkShared(owner, settings);
  return settings;
}

function checkShared(owner: string, { shared, resource }: LimiterSettings): void {
  if (shared === undefined && resource === undefined) return;
  if (typeof shared?.reserve !== 'function') {
    const what = shared === undefined ? 'resource needs shared, which' : 'shared';
    throw new OptionError(`${owner}: ${what} must be shared limits, such as postgresLimits()`);
  }
  if (typeof resource === 'string' && resource !== '') return;
  throw new OptionError(
    `${owner}: resource must be the name of what is limited, such as openai/gpt-6`,
  );
}
