import type { Executor, Plan, RunHandle } from '@stratagem/core';
import { type RunQueue, startCoordinator } from '@stratagem/core/coordinator';
import type { AttemptCarrier } from '@stratagem/core/kernel';
import { loadPlans } from '../load/load-plans.js';
import { withCarrier } from '../load/open-engine.js';
import { withQueue } from '../load/open-queue.js';
import { shownJournal } from '../options/journal-place.js';
import type { ExecutorFlags, LimitFlags } from '../options/run-flags.js';
import { UsageError } from '../options/usage-error.js';
import { EXIT } from '../output/exit-code.js';
import { write } from '../output/streams.js';
import { answerWith, howToAnswer } from '../run/how-to-answer.js';
import { stopOnSignals } from '../run/signals.js';
import { announceSimulation } from '../run/simulation-notice.js';
import { withExecutor } from '../run/with-executor.js';
import { optionOf } from '../run/without-effect.js';
import { type JournalFlags, withSettings } from '../settings/apply-settings.js';
import type { Settings } from '../settings/settings.js';

export interface CoordinatorFlags extends JournalFlags, ExecutorFlags, Pick<LimitFlags, 'prices'> {
  readonly maxRuns?: number;
  /** Modules with plans that have functions. */
  readonly plans?: readonly string[];
  /** Caps of resources over all workers. */
  readonly cap?: Readonly<Record<string, { readonly maxParallel: number }>>;
  /** The server whose workers carry out the attempts; undefined for this process. */
  readonly engine?: string;
}

/** Its tasks need what the plans of a queue may need: the tool that fetches, and files to save. */
export const ANY_PLAN: Plan = {
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
  const { journal, engine } = flags;
  if (engine === undefined) {
    if (flags.cap !== undefined)
      throw new UsageError('--cap has no effect without --engine: remove it');
    return withQueue(journal, (queue) => coordinate(queue, flags, settings));
  }
  for (const option of WORKERS_OWN) {
    if (given[option] === undefined) continue;
    throw new UsageError(
      `${optionOf(option)} has no effect with --engine: give it to the workers, and remove it here`,
    );
  }
  const onError = ({ message }: Error) => say(`the engine: ${message}`);
  const options = { onError, ...(flags.cap !== undefined && { resources: flags.cap }) };
  return withCarrier(engine, options, (carrier) =>
    withQueue(journal, (queue) => coordinate(queue, flags, settings, carrier)),
  );
}

/** Options of attempts. The runner and its model are named here too: they decide about tools, limits and prices. */
const WORKERS_OWN = [
  'requestsPerMinute',
  'tokensPerMinute',
  'cache',
  'record',
  'replay',
  'latency',
  'approveTools',
] as const;

/** Says how to answer the questions of a run, also those of coordinators before this one. */
async function sayQuestions(run: RunHandle, place: string): Promise<void> {
  for await (const event of run) {
    const question = howToAnswer(event, run.runId, place);
    if (question !== undefined) say(`${run.runId}: ${question}`);
    if (event.type !== 'run_resumed') continue;
    for (const { taskId, kind } of run.openQuestions()) {
      say(`${run.runId}: ${answerWith(taskId, 'waits for a human', kind, run.runId, place)}`);
    }
  }
}

const say = (text: string) => void write(process.stderr, `${text}\n`);

async function coordinate(
  queue: RunQueue,
  flags: CoordinatorFlags,
  { models }: Settings,
  carrier?: AttemptCarrier,
): Promise<number> {
  const { journal, journalOption, engine, maxRuns, plans: files = [] } = flags;
  const plans: Plan[] = [];
  for (const each of files) plans.push(...(await loadPlans(each)));
  const file = { plan: ANY_PLAN, ...(models !== undefined && { models }) };
  const use = async (executor: Executor) => {
    if (carrier === undefined) await announceSimulation(flags);
    // A wrong password, or a server that cannot be reached, is reported at once.
    await queue.list();
    const stopped = new Promise<NodeJS.Signals>((resolve) => {
      stopOnSignals((_, signal) => resolve(signal));
    });
    const coordinator = startCoordinator({
      ...{ queue, executor, plans },
      ...(maxRuns !== undefined && { maxRuns }),
      onRun(run) {
        say(`${run.runId} is under way`);
        // What it rejects with is reported as an error of the run.
        sayQuestions(run, journalOption).catch(() => {});
        run.result.then(
          ({ status }) => say(`${run.runId} ${status}`),
          // Reported as an error.
          () => {},
        );
      },
      onError: (error, runId) => say(`${runId ?? 'the queue'}: ${(error as Error).message}`),
    });
    const elsewhere = engine === undefined ? '' : `, with the workers of ${shownJournal(engine)}`;
    say(`Carrying out runs of ${shownJournal(journal)}${elsewhere}, until Ctrl-C`);
    // Deployments send SIGTERM, and let attempts in flight end; those of workers live on by themselves.
    const drain = (await stopped) === 'SIGTERM' && carrier === undefined;
    await coordinator.stop({ drain });
    return EXIT.completed;
  };
  return withExecutor(flags, file, undefined, use, undefined, carrier);
}
