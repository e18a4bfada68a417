// For authors of journals.
export { checkDuration, checkFlag, checkLimit, checkOptions } from './contract/check-options.js';
export {
  type EventData,
  type Journal,
  type Json,
  listingAfter,
  type NewRun,
  newListing,
  type OpenedRun,
  type RecordedCompletion,
  type RunJournal,
  type RunListing,
} from './contract/journal.js';
export { JournalError, type JournalErrorCode, journalErrors } from './contract/journal-error.js';
