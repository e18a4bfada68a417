export type {
  RedisDurability,
  RedisJournalOptions,
  RedisOptions,
  RedisTlsOptions,
} from './options.js';
export { type RedisJournal, redisJournal } from './redis-journal.js';
export { redisLimits } from './redis-limits.js';
