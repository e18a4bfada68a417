export type { Durability, SqliteJournalOptions } from './options.js';
export { sqliteJournal } from './sqlite-journal.js';
