// For authors of journals, queues of runs and shared limits.
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
export type { ClaimedRun, QueuedRun, RunQueue } from './contract/run-queue.js';
export type { PendingRequest, RunAction, RunReply, RunRequest } from './contract/run-request.js';
export type { LimitedAmount, Reservation, SharedLimits } from './contract/shared-limits.js';
export { type Fork, findForks } from './journal/find-forks.js';
export { memoryRunQueue } from './journal/memory-run-queue.js';
export { memorySharedLimits } from './journal/memory-shared-limits.js';
export { type FileLock, lockFile } from './util/file-lock.js';
