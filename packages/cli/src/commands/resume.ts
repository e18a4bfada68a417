import { resolve } from 'node:path';
import {
  type EventData,
  type Executor,
  type ForkOptions,
  isStratagemError,
  type Journal,
  type RunHandle,
  type RunOptions,
  readRun,
} from '@stratagem/core';
import { findRun } from '../load/find-run.js';
import { loadInputs } from '../load/load-inputs.js';
import { withJournal } from '../load/open-journal.js';
import { filesRead, requireFolders } from '../load/read-files.js';
import { shownJournal } from '../options/journal-place.js';
import { checkProgressFlags } from '../options/progress-flags.js';
import {
  type ExecutorFlags,
  filesOf,
  type InputFlags,
  type LimitFlags,
} from '../options/run-flags.js';
import { toUsageError } from '../options/to-usage-error.js';
import { UsageError } from '../options/usage-error.js';
import { checkOutput } from '../output/result-file.js';
import { checkRunFiles } from '../output/run-files.js';
import { write } from '../output/streams.js';
import { commandJournal } from '../run/command-journal.js';
import { type CommandRecord, readCommandRecord } from '../run/command-record.js';
import { type ExecuteFlags, executeRun } from '../run/execute-run.js';
import { explainPlanChange, planForResume, type ResumePlanFlags } from '../run/plan-for-resume.js';
import { Preflight } from '../run/preflight.js';
import { presetProblems } from '../run/preset-answers.js';
import { createRecording } from '../run/recording.js';
import { toRunOptions } from '../run/run-options.js';
import { announceSimulation } from '../run/simulation-notice.js';
import { withExecutor } from '../run/with-executor.js';
import { optionsWithoutEffect } from '../run/without-effect.js';
import { type JournalFlags, withSettings } from '../settings/apply-settings.js';
import type { Settings } from '../settings/settings.js';

export interface ResumeFlags
  extends ExecutorFlags,
    ExecuteFlags,
    ResumePlanFlags,
    InputFlags,
    Pick<LimitFlags, 'deadline' | 'budgetTokens' | 'budgetCost' | 'prices'>,
    JournalFlags {
  readonly journalOption: string;
  readonly retryFailed?: boolean;
  readonly acceptChanges?: boolean;
  /** Comes from the record only: `resume` has no such flag. */
  readonly reuse?: boolean;
}

/** `stratagem resume RUN`: returns the exit code of the run. */
export async function resumeCommand(
  idOrPrefix: string,
  flags: ResumeFlags,
  settings: Settings,
): Promise<number> {
  const preflight = new Preflight();
  if (flags.useRecordedPlan && (flags.acceptChanges || flags.plan !== undefined)) {
    const other = flags.acceptChanges ? '--accept-changes' : '--plan';
    preflight.report(`--use-recorded-plan and ${other} cannot be combined: remove one`);
  }
  await preflight.try(() => checkProgressFlags(flags));
  await preflight.try(() => checkRunFiles(flags));
  await preflight.try(() => requireFolders(flags.allowRead));
  preflight.finish();
  return withJournal(flags.journal, async (store) => {
    const { id, status } = await findRun(store, idOrPrefix);
    return withResumedRun(store, id, flags, settings, async ({ start, flags: merged }) => {
      await announceEnded(status, merged);
      const recording = createRecording(
        {
          journal: store,
          journalName: shownJournal(flags.journal),
          journalOption: flags.journalOption,
        },
        readRun(store, id),
      );
      return executeRun(start, merged, recording);
    });
  });
}

/** Nothing runs in a run that has ended, which is easily taken for a run that was quick. */
async function announceEnded(status: string, flags: ResumeFlags): Promise<void> {
  const { retryFailed, acceptChanges, quiet, logFormat } = flags;
  if (retryFailed || acceptChanges || quiet || logFormat === 'json') return;
  if (status !== 'completed' && status !== 'failed') return;
  const more = status === 'failed' ? ' To run again what failed, use --retry-failed.' : '';
  await write(process.stderr, `The run has ended: no task is left to run.${more}\n`);
}

/** A recorded run that can be resumed. */
export interface ResumableRun {
  readonly start: (options: RunOptions) => RunHandle;
  /** The recorded flags, overridden by those that were given. */
  readonly flags: ResumeFlags;
}

/**
 * Prepares to resume a recorded run, with the plan and the flags of its record, while `use` needs it.
 *
 * @param fork Begins a new run with the results of the recorded one, in place of resuming it.
 * @throws {UsageError} when it cannot be resumed, for example because the plan has changed.
 */
export async function withResumedRun<Result>(
  store: Journal,
  id: string,
  flags: ResumeFlags,
  settings: Settings,
  use: (run: ResumableRun) => Promise<Result>,
  fork?: ForkOptions | undefined,
): Promise<Result> {
  const { starts, hasEnded } = await planStarts(store, id);
  const record = readCommandRecord(starts[0]);
  const loaded = await planForResume(id, record, starts.at(-1), flags, settings.models);
  const { plan } = loaded;
  await checkOutput(flags, [record.file, ...filesRead(loaded, settings), ...filesOf(flags)]);
  const merged = withSettings(mergeFlags(record, flags), settings, loaded);
  const preflight = new Preflight();
  preflight.report(...presetProblems(plan, merged));
  preflight.report(...optionsWithoutEffect(plan, loaded.models, flags));
  // A fork is resumed with the plan that it began with.
  const isEdited = fork !== undefined && flags.plan !== undefined;
  const file = isEdited ? { file: resolve(flags.plan as string) } : {};
  const journal = commandJournal(store, { ...record, ...file });
  // Nothing runs in a run that has ended.
  const isOver = fork === undefined && hasEnded && !flags.retryFailed && !flags.acceptChanges;
  const resume = async (executor: Executor, pricesAsOf: string | undefined) => {
    const optionsOf = async () => {
      const inputs = await loadInputs(plan, flags);
      return {
        plan,
        ...(inputs !== undefined && { inputs }),
        // The other limits of the run are in its record.
        ...(await toRunOptions({ ...flags, prices: merged.prices })),
        ...(flags.retryFailed && { retryFailed: true }),
        ...(flags.acceptChanges && { acceptChanges: true }),
        ...(merged.reuse && { reuse: true }),
      };
    };
    const options = await preflight.try(optionsOf);
    if (options !== undefined && !isOver) {
      const { plan: _, retryFailed: __, acceptChanges: ___, ...checked } = options;
      preflight.ask(executor, plan, checked, true);
    }
    if (!isOver) preflight.finish();
    await announceSimulation(merged, loaded);
    const start = (more: RunOptions) =>
      fork === undefined
        ? executor.resume(id, { ...options, ...more })
        : executor.fork(id, { ...options, ...fork, ...more });
    try {
      return await use({ start, flags: { ...merged, pricesAsOf } });
    } catch (error) {
      throw isStratagemError(error) ? toUsageError(explainPlanChange(error)) : error;
    }
  };
  return withExecutor(merged, loaded, journal, resume, preflight);
}

/**
 * The run_started events of a run: the first one, and one for each accepted change of the plan. And whether the
 * run has ended.
 */
async function planStarts(
  journal: Journal,
  runId: string,
): Promise<{ starts: EventData[]; hasEnded: boolean }> {
  const starts: EventData[] = [];
  let last: EventData['type'] | undefined;
  for await (const event of journal.read(runId)) {
    if (event.type === 'run_started') starts.push(event);
    last = event.type;
  }
  const hasEnded = ['run_completed', 'run_failed', 'run_canceled'].includes(`${last}`);
  return { starts, hasEnded };
}

/** Overrides the recorded flags. Another runner drops all recorded flags about the runner. */
function mergeFlags({ flags: recorded }: CommandRecord, given: ResumeFlags): ResumeFlags {
  const { secretBaseUrl, ...all } = recorded;
  const { runner: _, model: __, baseUrl: ___, latency: ____, replay: _____, ...others } = all;
  const isOtherRunner = given.runner !== undefined || given.replay !== undefined;
  if (secretBaseUrl && !isOtherRunner && given.baseUrl === undefined) {
    throw new UsageError(
      'The --base-url of this run had a user, a password or a query, which is not recorded: ' +
        'use --base-url again',
    );
  }
  return { ...(isOtherRunner ? others : all), ...given };
}
