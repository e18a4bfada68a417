import type { SharedLimits } from '@stratagem/core/journal';
import { RedisLimits } from './limits.js';
import { type RedisOptions, redisSettings } from './options.js';
import { Server } from './server.js';

/**
 * Limits that any number of processes share through Redis or Valkey, for processes without a journal.
 * `redisJournal().limits` uses the connections of a journal. They need no append-only file.
 *
 * @throws {OptionError} when an option is unknown, missing or out of range.
 *
 * @example
 * const shared = redisLimits({ url: 'redis://cache.example' });
 * const runner = rateLimit(openai(), { requestsPerMinute: 600, shared });
 */
export function redisLimits(options: RedisOptions): SharedLimits {
  const server = new Server(redisSettings('redisLimits()', options), false);
  return new RedisLimits(server, () => server.close());
}
