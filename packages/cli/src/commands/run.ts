import {
  type ExecuteOptions,
  type Executor,
  type Plan,
  PlanError,
  type RunHandle,
  type RunOptions,
} from '@stratagem/core';
import { loadInputs } from '../load/load-inputs.js';
import { type LoadedPlan, loadOptions, loadPlan } from '../load/load-plan.js';
import { journalErrorToUsageError, openJournal } from '../load/open-journal.js';
import { filesOf, type RunFlags } from '../options/run-flags.js';
import { toUsageError } from '../options/to-usage-error.js';
import { UsageError } from '../options/usage-error.js';
import { checkOutput } from '../output/result-file.js';
import { commandJournal } from '../run/command-journal.js';
import { createCommandRecord } from '../run/command-record.js';
import { executeRun } from '../run/execute-run.js';
import { checkPresetAnswers } from '../run/preset-answers.js';
import { createRecording } from '../run/recording.js';
import { toRunOptions, withRetries } from '../run/run-options.js';
import { announceSimulation } from '../run/simulation-notice.js';
import { withExecutor } from '../run/with-executor.js';
import { withSettings } from '../settings/apply-settings.js';
import type { Settings } from '../settings/settings.js';

/** `stratagem run PLAN`: returns the exit code of the run. */
export async function runCommand(
  file: string,
  given: RunFlags,
  settings: Settings,
): Promise<number> {
  for (const option of ['yes', 'fallback'] as const) {
    if (given[option] === undefined) continue;
    throw new UsageError(`--${option} has no effect without --goal: remove it`);
  }
  const loaded = await loadPlan(file, loadOptions(given, settings));
  const flags = withSettings(given, settings, loaded);
  const { journal: directory, journalOption = '', reuse } = flags;
  const plan = withRetries(loaded.plan, flags.retries);
  checkPresetAnswers(plan, flags);
  if (reuse && directory === undefined) {
    throw new UsageError('--reuse needs --journal DIR, the directory of the earlier runs');
  }
  await checkOutput(flags, [file, settings.file, ...filesOf(flags)]);
  if (flags.dryRun) {
    const { dryRunCommand } = await import('./dry-run.js');
    return dryRunCommand(plan, loaded, flags);
  }
  if (directory === undefined) {
    return withExecutor(flags, loaded, undefined, async (executor, pricesAsOf) => {
      const options = await prepare(flags, loaded);
      const begin = (more: RunOptions) => start(executor, plan, { ...options, ...more });
      return executeRun(begin, { ...flags, pricesAsOf }).catch(throwUsageError);
    });
  }
  const store = await openJournal(directory, false);
  const journal = commandJournal(store, createCommandRecord(file, loaded, flags));
  try {
    return await withExecutor(flags, loaded, journal, async (executor, pricesAsOf) => {
      const options = await prepare(flags, loaded);
      const recording = createRecording(journalOption);
      const begin = (more: RunOptions) => start(executor, plan, { ...options, ...more });
      return executeRun(begin, { ...flags, pricesAsOf }, recording).catch(throwUsageError);
    });
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

async function prepare(flags: RunFlags, loaded: LoadedPlan): Promise<ExecuteOptions> {
  const inputs = await loadInputs(loaded.plan, flags);
  await announceSimulation(flags, loaded);
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
