import {
  type ExecuteOptions,
  type Executor,
  type Journal,
  type Plan,
  PlanError,
  type RunHandle,
  type RunOptions,
} from '@stratagem/core';
import { loadInputs } from '../load/load-inputs.js';
import { type LoadedPlan, loadOptions, loadPlan } from '../load/load-plan.js';
import { journalErrorToUsageError, openJournal } from '../load/open-journal.js';
import { filesRead, requireFolders } from '../load/read-files.js';
import { shownJournal } from '../options/journal-place.js';
import { checkProgressFlags } from '../options/progress-flags.js';
import { filesOf, type RunFlags } from '../options/run-flags.js';
import { toUsageError } from '../options/to-usage-error.js';
import { checkOutput, savesOverInputs } from '../output/result-file.js';
import { checkRunFiles } from '../output/run-files.js';
import { commandJournal } from '../run/command-journal.js';
import { createCommandRecord } from '../run/command-record.js';
import { executeRun } from '../run/execute-run.js';
import { Preflight } from '../run/preflight.js';
import { presetProblems } from '../run/preset-answers.js';
import { createRecording, type Recording } from '../run/recording.js';
import { toRunOptions, withRetries } from '../run/run-options.js';
import { announceSimulation } from '../run/simulation-notice.js';
import { OUTPUT_FOLDER } from '../run/step-options.js';
import { unanswerableSteps } from '../run/unanswerable.js';
import { withExecutor } from '../run/with-executor.js';
import { optionsWithoutEffect } from '../run/without-effect.js';
import { withSettings } from '../settings/apply-settings.js';
import type { Settings } from '../settings/settings.js';

/** `stratagem run PLAN`: returns the exit code of the run. */
export async function runCommand(
  file: string,
  given: RunFlags,
  settings: Settings,
): Promise<number> {
  const preflight = new Preflight();
  for (const option of ['yes', 'fallback'] as const) {
    if (given[option] === undefined) continue;
    preflight.report(`--${option} has no effect without --goal: remove it`);
  }
  await preflight.try(() => checkProgressFlags(given));
  await preflight.try(() => checkRunFiles(given));
  await preflight.try(() => requireFolders(given.allowRead));
  const loaded = await preflight.try(() => loadPlan(file, loadOptions(given, settings)));
  if (loaded === undefined) preflight.finish();
  return runLoaded(file, loaded as LoadedPlan, given, settings, preflight);
}

async function runLoaded(
  file: string,
  loaded: LoadedPlan,
  given: RunFlags,
  settings: Settings,
  preflight: Preflight,
): Promise<number> {
  const flags = withSettings(given, settings, loaded);
  const { journal: directory, journalOption = '', reuse } = flags;
  const plan = withRetries(loaded.plan, flags.retries);
  preflight.report(...optionsWithoutEffect(loaded.plan, loaded.models, given));
  preflight.report(...presetProblems(plan, flags));
  if (reuse && directory === undefined) {
    preflight.report('--reuse needs --journal DIR, the directory of the earlier runs');
  }
  // A recorded run is resumed with the answer.
  if (directory === undefined) preflight.report(...unanswerableSteps(plan.tasks, flags));
  const inputs = [...filesRead(loaded, settings), ...filesOf(flags)];
  await preflight.try(() => checkOutput(flags, inputs));
  const { outputDir = OUTPUT_FOLDER } = flags;
  preflight.report(...(await savesOverInputs(plan.tasks, outputDir, inputs)));
  /** @throws {UsageError} with all problems, before anything of the run is paid or recorded. */
  const prepare = async (executor: Executor): Promise<ExecuteOptions> => {
    const options = await preflight.try(() => optionsOf(flags, loaded));
    if (options !== undefined) preflight.ask(executor, plan, options);
    preflight.finish();
    return options as ExecuteOptions;
  };
  if (flags.dryRun) {
    const { dryRunCommand } = await import('./dry-run.js');
    return dryRunCommand(plan, loaded, flags, preflight, prepare);
  }
  const withRun = (journal: Journal | undefined, recording?: Recording) =>
    withExecutor(
      flags,
      loaded,
      journal,
      async (executor, pricesAsOf) => {
        const options = await prepare(executor);
        await announceSimulation(flags, loaded);
        const begin = (more: RunOptions) => start(executor, plan, { ...options, ...more });
        return executeRun(begin, { ...flags, pricesAsOf }, recording).catch(throwUsageError);
      },
      preflight,
    );
  if (directory === undefined) return withRun(undefined);
  const store = await openJournal(directory, false);
  const journal = commandJournal(store, createCommandRecord(file, loaded, flags));
  try {
    const journalName = shownJournal(directory);
    return await withRun(journal, createRecording({ journal, journalName, journalOption }));
  } catch (error) {
    throw journalErrorToUsageError(error);
  } finally {
    await journal.close();
  }
}

/** Only the run finds out that a file which the plan attaches cannot be read. */
function throwUsageError(error: unknown): never {
  throw error instanceof PlanError ? toUsageError(error) : error;
}

async function optionsOf(flags: RunFlags, loaded: LoadedPlan): Promise<ExecuteOptions> {
  const inputs = await loadInputs(loaded.plan, flags);
  return {
    ...(await toRunOptions(flags)),
    ...(inputs !== undefined && { inputs }),
    ...(flags.reuse && { reuse: true }),
  };
}

/** Only the executor finds out that a plan needs tools that it does not have. */
function start(executor: Executor, plan: Plan, options: ExecuteOptions): RunHandle {
  try {
    return executor.execute(plan, options);
  } catch (error) {
    throw toUsageError(error);
  }
}
