// For journals that processes share: owners and leases of runs, and their writers.

export {
  type Announcement,
  Announcements,
  type ConnectionEvents,
  type ListeningConnection,
  REQUEST_ANNOUNCEMENT,
  RUN_ANNOUNCEMENT,
} from './announcements.js';
export { isBrokenConnection, reasonOf } from './connection-errors.js';
export { CONTENT_FIELDS, type EventRecord, eventOf, MIN_CONTENT_LENGTH } from './event-record.js';
export { isAlive, machine } from './machine.js';
export { hasDied, heldError, lockedError, newOwner } from './owner.js';
export { endedReply } from './requests.js';
export { type Retries, retrying } from './retrying.js';
export type { Append, HeldLease, RunStore, TakenRun } from './run-store.js';
export { type RunWriter, RunWriters } from './run-writers.js';
export { checkDurations, type TlsOptions } from './server-options.js';
