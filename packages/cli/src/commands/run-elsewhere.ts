import type { Plan } from '@stratagem/core';
import { type RunQueue, type SubmitOptions, submitRun } from '@stratagem/core/coordinator';
import { loadInputs } from '../load/load-inputs.js';
import { type LoadedPlan, loadPlan } from '../load/load-plan.js';
import { checkEngine } from '../load/open-engine.js';
import { withQueue } from '../load/open-queue.js';
import { filesRead } from '../load/read-files.js';
import { shownJournal } from '../options/journal-place.js';
import { checkProgressFlags } from '../options/progress-flags.js';
import { filesOf, type RunFlags } from '../options/run-flags.js';
import { toUsageError } from '../options/to-usage-error.js';
import { COMMAND } from '../output/command-name.js';
import { checkOutput } from '../output/result-file.js';
import { checkRunFiles } from '../output/run-files.js';
import { shellQuote } from '../output/shell-quote.js';
import { executeRun } from '../run/execute-run.js';
import { FollowedRun } from '../run/followed-run.js';
import { Preflight } from '../run/preflight.js';
import { nextCommands, type Recording } from '../run/recording.js';
import { toRunOptions, withRetries } from '../run/run-options.js';
import { optionOf } from '../run/without-effect.js';

/** The options that have an effect here. All others belong to the coordinators and the workers. */
const KNOWN: readonly (keyof RunFlags)[] = [
  'engine',
  'journal',
  'input',
  'inputs',
  'maxParallel',
  'failFast',
  'deadline',
  'budgetTokens',
  'budgetCost',
  'prices',
  'retries',
  'reuse',
  'allowOutside',
  'json',
  'output',
  'quiet',
  'logFormat',
  'report',
  'trace',
  'approve',
  'reject',
  'answer',
];

/** `stratagem run PLAN --engine URL`: queues a run for the coordinators, and follows it. */
export async function runElsewhereCommand(
  file: string,
  engine: string,
  flags: RunFlags,
): Promise<number> {
  const preflight = new Preflight();
  await preflight.try(() => checkEngine(engine));
  await preflight.try(() => checkProgressFlags(flags));
  await preflight.try(() => checkRunFiles(flags));
  for (const name of Object.keys(flags) as (keyof RunFlags)[]) {
    if (flags[name] === undefined || KNOWN.includes(name)) continue;
    preflight.report(
      `${optionOf(name)} has no effect with --engine: it belongs to the coordinators and workers; remove it`,
    );
  }
  const loaded = await preflight.try(() => loadPlan(file, { allowOutside: flags.allowOutside }));
  if (loaded === undefined) preflight.finish();
  const { plan, models } = loaded as LoadedPlan;
  if (models !== undefined) {
    preflight.report(
      `${file}: models cannot be submitted, because the workers call them. Put them into the settings of the workers and the coordinators, and remove them here`,
    );
  }
  await preflight.try(() =>
    checkOutput(flags, [...filesRead(loaded as LoadedPlan, {}), ...filesOf(flags)]),
  );
  const options = await preflight.try(() => submissionOf(plan, flags));
  preflight.finish();
  const { journal = engine } = flags;
  return withQueue(journal, async (queue) => {
    const runId = await submit(queue, withRetries(plan, flags.retries), options ?? {});
    const journalOption = ` --journal ${shellQuote(shownJournal(journal))}`;
    return executeRun(
      ({ onEvent = () => {} }) => new FollowedRun(queue, runId, onEvent, engine),
      flags,
      recordingOf(queue, journal, journalOption),
    );
  });
}

async function submissionOf(plan: Plan, flags: RunFlags): Promise<SubmitOptions> {
  const inputs = await loadInputs(plan, flags);
  const { maxParallel, reuse } = flags;
  return {
    ...(await toRunOptions(flags)),
    ...(inputs !== undefined && { inputs }),
    ...(maxParallel !== undefined && { maxParallel }),
    ...(reuse && { reuse: true }),
  };
}

async function submit(queue: RunQueue, plan: Plan, options: SubmitOptions): Promise<string> {
  try {
    return await submitRun(queue, plan, options);
  } catch (error) {
    throw toUsageError(error);
  }
}

function recordingOf(queue: RunQueue, journal: string, journalOption: string): Recording {
  return {
    ...{ journal: queue, journalName: shownJournal(journal), journalOption },
    startMessage: ({ runId }) => `Run ${runId} has begun\n`,
    stopMessage: ({ runId }) =>
      `The run continues. To look at it: ${COMMAND} show ${runId}${journalOption}\n`,
    nextCommands({ runId }, { status }) {
      if (status !== 'interrupted') return nextCommands(runId, status, journalOption);
      return [
        {
          label: 'The run continues. Look at it',
          command: `${COMMAND} show ${runId}${journalOption}`,
        },
        { label: 'Watch it on a page', command: `${COMMAND} ui${journalOption}` },
      ];
    },
  };
}
