import type { Journal, RunHandle } from '@stratagem/core';
import { controlRun, type RunQueue } from '@stratagem/core/coordinator';
import { withJournal } from '../load/open-journal.js';
import { isServer, shownJournal } from '../options/journal-place.js';
import { COMMAND } from '../output/command-name.js';
import { EXIT } from '../output/exit-code.js';
import { shellQuote } from '../output/shell-quote.js';
import { write } from '../output/streams.js';
import { interrupted, openServer } from '../run/run-page.js';
import type { JournalFlags } from '../settings/apply-settings.js';
import type { Settings } from '../settings/settings.js';
import { withResumedRun } from './resume.js';

export interface UiFlags extends JournalFlags {
  readonly port?: number;
  readonly host?: string;
}

/** `stratagem ui`: serves a page of all runs of a journal until it is interrupted. */
export async function uiCommand(flags: UiFlags, settings: Settings): Promise<number> {
  const { journal: directory, journalOption, port, host } = flags;
  return withJournal(directory, async (journal) => {
    const running = new Set<RunHandle>();
    const server = await openServer({
      journal,
      journalName: shownJournal(directory),
      ...(port !== undefined && { port }),
      ...(host !== undefined && { host }),
      // Every journal on a server is a queue; others have no coordinators.
      ...(isServer(directory) && {
        controlOf: (runId) => controlRun(journal as RunQueue, runId),
      }),
      retry: (runId) => retry(journal, flags, settings, runId, running),
      extrasOf: (runId) => ({
        retryCommand: `${COMMAND} resume ${shellQuote(runId)}${journalOption} --retry-failed`,
      }),
    });
    const ended = interrupted();
    await write(process.stdout, `${server.url}\n`);
    await write(process.stderr, `Runs in ${shownJournal(directory)}, until Ctrl-C\n`);
    await ended;
    // What was started here ends here; it can be resumed.
    await Promise.allSettled(Array.from(running, (run) => run.interrupt()));
    await server.close();
    return EXIT.completed;
  });
}

/** Runs again what failed, as `stratagem resume RUN --retry-failed` does. */
function retry(
  journal: Journal,
  { journal: directory, journalOption }: UiFlags,
  settings: Settings,
  runId: string,
  running: Set<RunHandle>,
): Promise<{ readonly run: RunHandle }> {
  return new Promise((resolve, reject) => {
    const flags = { journal: directory, journalOption, retryFailed: true };
    withResumedRun(journal, runId, flags, settings, async ({ start }) => {
      const run = start({});
      running.add(run);
      resolve({ run });
      await run.result.catch(() => {});
      running.delete(run);
    }).catch(reject);
  });
}
