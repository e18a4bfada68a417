export type { TlsOptions as PostgresTlsOptions } from '@stratagem/store-kit';
export type {
  PostgresJournalOptions,
  PostgresOptions,
  PostgresServerOptions,
} from './options.js';
export { type PostgresJournal, postgresJournal } from './postgres-journal.js';
export { postgresLimits } from './postgres-limits.js';
