import type { Plan } from '@stratagem/core';
import { startCoordinator } from '@stratagem/core/coordinator';
import { withQueue } from '../load/open-queue.js';
import { shownJournal } from '../options/journal-place.js';
import type { ExecutorFlags, LimitFlags } from '../options/run-flags.js';
import { EXIT } from '../output/exit-code.js';
import { write } from '../output/streams.js';
import { stopOnSignals } from '../run/signals.js';
import { announceSimulation } from '../run/simulation-notice.js';
import { withExecutor } from '../run/with-executor.js';
import { type JournalFlags, withSettings } from '../settings/apply-settings.js';
import type { Settings } from '../settings/settings.js';

export interface CoordinatorFlags extends JournalFlags, ExecutorFlags, Pick<LimitFlags, 'prices'> {
  readonly maxRuns?: number;
}

/** Its tasks need what the plans of a queue may need: the tool that fetches, and files to save. */
const ANY_PLAN: Plan = {
  goal: 'any',
  tasks: [
    { id: 'fetch', description: 'fetch', tools: ['fetch'] },
    { id: 'save', description: 'save', save: 'any' },
  ],
};

/** `stratagem coordinator`: carries out queued runs until it is stopped. */
export async function coordinatorCommand(
  given: CoordinatorFlags,
  settings: Settings,
): Promise<number> {
  const flags = withSettings(given, settings);
  const { journal, maxRuns } = flags;
  const file = {
    plan: ANY_PLAN,
    ...(settings.models !== undefined && { models: settings.models }),
  };
  const say = (text: string) => void write(process.stderr, `${text}\n`);
  return withQueue(journal, (queue) =>
    withExecutor(flags, file, undefined, async (executor) => {
      await announceSimulation(flags);
      // A wrong password, or a server that cannot be reached, is reported at once.
      await queue.list();
      const stopped = new Promise<NodeJS.Signals>((resolve) => {
        stopOnSignals((_, signal) => resolve(signal));
      });
      const coordinator = startCoordinator({
        queue,
        executor,
        ...(maxRuns !== undefined && { maxRuns }),
        onRun(run) {
          say(`${run.runId} is under way`);
          run.result.then(
            ({ status }) => say(`${run.runId} ${status}`),
            // Reported as an error.
            () => {},
          );
        },
        onError: (error, runId) => say(`${runId ?? 'the queue'}: ${(error as Error).message}`),
      });
      say(`Carrying out runs of ${shownJournal(journal)}, until Ctrl-C`);
      // Deployments send SIGTERM, and let attempts in flight end.
      const drain = (await stopped) === 'SIGTERM';
      await coordinator.stop({ drain });
      return EXIT.completed;
    }),
  );
}
