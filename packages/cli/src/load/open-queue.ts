import type { RunQueue } from '@stratagem/core/coordinator';
import { isServer } from '../options/journal-place.js';
import { UsageError } from '../options/usage-error.js';
import { journalErrorToUsageError } from './open-journal.js';
import { openServerJournal, SERVERS } from './open-server.js';

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
      `${journal} is a directory, and a queue is on a server. Use --journal ${SERVERS}`,
    );
  }
  const queue = await openServerJournal(journal);
  try {
    return await use(queue);
  } catch (error) {
    throw journalErrorToUsageError(error);
  } finally {
    await queue.close();
  }
}
