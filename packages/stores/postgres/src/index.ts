export { postgresLimits } from './limits.js';
export type { PostgresJournalOptions, PostgresOptions, PostgresServerOptions } from './options.js';
export { type PostgresJournal, postgresJournal } from './postgres-journal.js';
