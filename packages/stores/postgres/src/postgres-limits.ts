import type { SharedLimits } from '@stratagem/core/journal';
import { Database } from './database.js';
import { PostgresLimits } from './limits.js';
import { type PostgresOptions, postgresSettings } from './options.js';

/**
 * Limits that any number of processes share through PostgreSQL, for processes without a journal.
 * `postgresJournal().limits` uses the connections of a journal.
 *
 * @throws {OptionError} when an option is unknown, missing or out of range.
 *
 * @example
 * const shared = postgresLimits({ url: 'postgres://stratagem@db.example/runs' });
 * const runner = rateLimit(openai(), { requestsPerMinute: 600, shared });
 */
export function postgresLimits(options: PostgresOptions): SharedLimits {
  const database = new Database(postgresSettings('postgresLimits()', options));
  return new PostgresLimits(database, () => database.close());
}
