export type { TlsOptions as RedisTlsOptions } from '@stratagem/store-kit';
export type {
  RedisDurability,
  RedisJournalOptions,
  RedisOptions,
} from './options.js';
export { type RedisJournal, redisJournal } from './redis-journal.js';
export { redisLimits } from './redis-limits.js';
