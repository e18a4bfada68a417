import type { RunQueue } from '@stratagem/core/coordinator';
import { isServer } from '../options/journal-place.js';
import { UsageError } from '../options/usage-error.js';
import { journalErrorToUsageError, openJournal } from './open-journal.js';

/**
 * Opens a queue of runs while `use` needs it.
 *
 * @throws {UsageError} when the journal is a directory, which only this machine can see.
 */
export async function withQueue<Result>(
  journal: string,
  use: (queue: RunQueue) => Promise<Result>,
): Promise<Result> {
  if (!isServer(journal)) {
    throw new UsageError(
      `${journal} is a directory, and a queue is on a server. Use --journal postgres://user@host/database`,
    );
  }
  // Every journal on a server is a queue.
  const queue = (await openJournal(journal, false)) as RunQueue;
  try {
    return await use(queue);
  } catch (error) {
    throw journalErrorToUsageError(error);
  } finally {
    await queue.close();
  }
}
