import type { PlanEvent } from '@stratagem/core';
import { isOfJournal } from '../load/open-journal.js';
import type { CommandJournal } from './command-journal.js';
import type { Recording } from './execute-run.js';

/** What is said of a run that is recorded in a folder. */
export function recordingIn(
  directory: string,
  journal: CommandJournal,
  past?: AsyncIterable<PlanEvent>,
): Recording {
  const commandFor = (runId: string) => `stratagem resume ${runId} --journal ${quoted(directory)}`;
  return {
    ...(past !== undefined && { past }),
    interrupt: () => journal.interrupt(),
    begun: ({ runId }) =>
      past === undefined
        ? `Recording run ${runId}\nShould it be interrupted: ${commandFor(runId)}\n`
        : `Going on with run ${runId}\n`,
    ended({ runId }, { status, error }) {
      const command = commandFor(runId);
      // One whose journal failed has not ended in its record either.
      if (status === 'canceled' || isOfJournal(error)) return `To go on with it: ${command}\n`;
      if (status === 'failed') return `To do again what failed: ${command} --retry-failed\n`;
      return '';
    },
  };
}

/** A path that can be pasted into a shell. */
function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
