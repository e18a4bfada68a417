import type { ForkOptions } from '@stratagem/core';
import { findRun } from '../load/find-run.js';
import { withJournal } from '../load/open-journal.js';
import { requireFolders } from '../load/read-files.js';
import { shownJournal } from '../options/journal-place.js';
import { checkProgressFlags } from '../options/progress-flags.js';
import { checkRunFiles } from '../output/run-files.js';
import { executeRun } from '../run/execute-run.js';
import { Preflight } from '../run/preflight.js';
import { createRecording } from '../run/recording.js';
import type { Settings } from '../settings/settings.js';
import { type ResumableRun, type ResumeFlags, withResumedRun } from './resume.js';

export interface ForkFlags
  extends Omit<ResumeFlags, 'plan' | 'useRecordedPlan' | 'acceptChanges' | 'retryFailed'> {
  /** The tasks that run again. */
  readonly task?: readonly string[];
  /** The number of the last event that counts. */
  readonly at?: number;
  /** A plan file in place of the recorded plan. */
  readonly edit?: string;
  /** The id of the new run. */
  readonly runId?: string;
}

/**
 * `stratagem fork RUN` and `stratagem rerun RUN`: returns the exit code of the new run.
 *
 * @param isRerun Whether something must be named that runs again.
 */
export async function forkCommand(
  idOrPrefix: string,
  { task: tasks, at, edit, runId, ...flags }: ForkFlags,
  settings: Settings,
  isRerun: boolean,
): Promise<number> {
  const preflight = new Preflight();
  if (isRerun && tasks === undefined && edit === undefined) {
    preflight.report('name what runs again: --task ID, or --edit PLAN for what it changes');
  }
  await preflight.try(() => checkProgressFlags(flags));
  await preflight.try(() => checkRunFiles(flags));
  await preflight.try(() => requireFolders(flags.allowRead));
  preflight.finish();
  const fork: ForkOptions = {
    ...(tasks !== undefined && { tasks }),
    ...(at !== undefined && { at }),
    ...(runId !== undefined && { runId }),
  };
  const plan = edit === undefined ? { useRecordedPlan: true } : { plan: edit };
  return withJournal(flags.journal, async (store) => {
    const { id } = await findRun(store, idOrPrefix);
    const use = async ({ start, flags: merged }: ResumableRun) => {
      const recording = createRecording({
        journal: store,
        journalName: shownJournal(flags.journal),
        journalOption: flags.journalOption,
      });
      return executeRun(start, merged, recording);
    };
    return withResumedRun(store, id, { ...flags, ...plan }, settings, use, fork);
  });
}
