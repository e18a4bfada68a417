import type { PlanResult, RunEvent, RunHandle } from '@stratagem/core';
import { isJournalError } from '../load/open-journal.js';
import type { CommandJournal } from './command-journal.js';

/** The parts of a run that exist only because it is recorded. */
export interface Recording {
  /** The recorded events of a run that is resumed. */
  readonly history?: AsyncIterable<RunEvent>;
  /** Records the run as interrupted from now on, so that it can be resumed. */
  interrupt(): void;
  /** The message after the run has started. */
  startMessage(run: RunHandle): string;
  /** The message after the run has ended; empty when there is nothing left to resume. */
  endMessage(run: RunHandle, result: PlanResult): string;
}

export function createRecording(
  directory: string,
  journal: CommandJournal,
  history?: AsyncIterable<RunEvent>,
): Recording {
  const resumeCommand = (runId: string) =>
    `stratagem resume ${runId} --journal ${shellQuote(directory)}`;
  return {
    ...(history !== undefined && { history }),
    interrupt: () => journal.interrupt(),
    startMessage: ({ runId }) =>
      history === undefined
        ? `Recording run ${runId}\nTo resume it after an interruption: ${resumeCommand(runId)}\n`
        : `Resuming run ${runId}\n`,
    endMessage({ runId }, { status, error }) {
      const command = resumeCommand(runId);
      // The record of a run whose journal failed has no end, so the run can be resumed.
      if (status === 'canceled' || isJournalError(error)) return `To resume it: ${command}\n`;
      if (status === 'failed') return `To re-run failed tasks: ${command} --retry-failed\n`;
      return '';
    },
  };
}

function shellQuote(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
