export type {
  PostgresJournalOptions,
  PostgresOptions,
  PostgresServerOptions,
  PostgresTlsOptions,
} from './options.js';
export { type PostgresJournal, postgresJournal } from './postgres-journal.js';
export { postgresLimits } from './postgres-limits.js';
