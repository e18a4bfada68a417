import { close, fdatasync, open, write } from 'node:fs';
import { promisify } from 'node:util';
import { type Journal, memoryJournal } from '@stratagem/core';
import type { RunJournal } from '@stratagem/core/journal';

/**
 * A lower bound for journals that store events on disk before they are published. It appends to a file
 * and waits for the disk. It cannot be read.
 */
export async function bareJournal(file: string): Promise<Journal> {
  const descriptor = await promisify(open)(file, 'a');
  const journal = memoryJournal();
  const bare = ({ runId, close }: RunJournal): RunJournal => ({
    runId,
    close,
    async append(events) {
      await promisify(write)(descriptor, JSON.stringify(events));
      await promisify(fdatasync)(descriptor);
    },
  });
  return {
    ...journal,
    create: async (run) => bare(await journal.create(run)),
    async close() {
      await promisify(close)(descriptor);
      await journal.close();
    },
  };
}
