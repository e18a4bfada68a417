import type { Journal, PlanResult, RunEvent, RunHandle, RunListing } from '@stratagem/core';
import { isJournalError } from '../load/open-journal.js';
import { COMMAND } from '../output/command-name.js';
import { shortId } from '../output/run-id.js';
import type { NextCommand } from '../output/run-summary.js';

/** The parts of a run that exist only because it is recorded. */
export interface Recording {
  /** The recorded events of a run that is resumed. */
  readonly history?: AsyncIterable<RunEvent>;
  /** The journal of the run, whose other runs its page shows, too. */
  readonly journal: Journal;
  /** The name of the journal on the page. */
  readonly journalName: string;
  /** The option that names the journal in commands; empty when the settings do. */
  readonly journalOption: string;
  /** The message after the run has started. */
  startMessage(run: Pick<RunHandle, 'runId'>): string;
  /** The message when the reader stops the command; undefined for the usual one. */
  stopMessage?(run: Pick<RunHandle, 'runId'>): string;
  /** The commands that the reader may want after the run has ended. */
  nextCommands(run: Pick<RunHandle, 'runId'>, result: PlanResult): readonly NextCommand[];
}

export function createRecording(
  place: Pick<Recording, 'journal' | 'journalName' | 'journalOption'>,
  history?: AsyncIterable<RunEvent>,
): Recording {
  const { journalOption } = place;
  const resumeCommand = (runId: string) => `${COMMAND} resume ${shortId(runId)}${journalOption}`;
  return {
    ...place,
    ...(history !== undefined && { history }),
    startMessage: ({ runId }) =>
      history === undefined
        ? `Recording run ${runId}\nTo resume it after an interruption: ${resumeCommand(runId)}\n`
        : `Resuming run ${runId}\n`,
    nextCommands: ({ runId }, { status, error }) =>
      // The record of a run whose journal failed has no end, so the run can be resumed.
      nextCommands(runId, isJournalError(error) ? 'interrupted' : status, journalOption),
  };
}

/** What to do next about a recorded run. */
export function nextCommands(
  runId: string,
  status: RunListing['status'],
  journalOption: string,
): readonly NextCommand[] {
  const id = shortId(runId);
  const command = (name: string) => `${COMMAND} ${name} ${id}${journalOption}`;
  const look = [
    { label: 'See where time went', command: command('why') },
    { label: 'Look at the run', command: command('report') },
  ];
  if (status === 'completed') return look;
  if (status === 'failed') {
    const retry = `${command('resume')} --retry-failed`;
    return [{ label: 'Retry what failed', command: retry }, ...look];
  }
  return [{ label: 'Resume the run', command: command('resume') }, ...look];
}
