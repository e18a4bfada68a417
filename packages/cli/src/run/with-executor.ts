import {
  createExecutor,
  type Executor,
  type ExecutorOptions,
  isStratagemError,
  type Journal,
  type RunOptions,
  type TaskRunner,
  type Tool,
} from '@stratagem/core';
import type { AttemptCarrier } from '@stratagem/core/kernel';
import { attachmentSupport, TASK_OPTIONS } from '@stratagem/core/runner';
import type { LoadedPlan } from '../load/load-plan.js';
import { needingApproval, withTools } from '../load/load-tools.js';
import { resolveStrategy } from '../options/resolve-options.js';
import { type ResolvedRunners, resolveRunners } from '../options/resolve-runners.js';
import type { ExecutorFlags, LimitFlags } from '../options/run-flags.js';
import { optionErrorToUsageError } from '../options/to-usage-error.js';
import { UsageError } from '../options/usage-error.js';
import { Preflight } from './preflight.js';
import { retryOptions } from './run-options.js';
import { hasTask, stepOptions } from './step-options.js';
import { isForModel, profileOf } from './without-effect.js';

/**
 * Creates the executor that the command line describes, while `use` needs it. `use` also gets the date
 * of the price list of the runner, and the options of the executor.
 *
 * @param file The plan file: its strategy and models, and what its tasks need.
 * @param preflight Gets the problems of options, runners and tools; `use` is to finish it.
 * @param carrier Carries out the attempts elsewhere: then the runner of this process needs no key.
 * @throws {UsageError} when an option is invalid.
 */
export async function withExecutor<Result>(
  flags: ExecutorFlags & Pick<LimitFlags, 'prices'>,
  file: LoadedPlan,
  journal: Journal | undefined,
  use: (
    executor: Executor,
    pricesAsOf: string | undefined,
    options: ExecutorOptions,
  ) => Promise<Result>,
  preflight?: Preflight,
  carrier?: AttemptCarrier,
): Promise<Result> {
  const checks = preflight ?? new Preflight();
  const found = await checks.try(() => resolveRunners(flags, file.models));
  const resolved = found ?? unresolved(file.models);
  const strategy = await checks.try(() => resolveStrategy(flags, file.strategy));
  if (carrier === undefined) {
    await checkRunners(checks, file, resolved, flags.replan !== undefined);
  }
  if (preflight === undefined) checks.finish();
  const options = {
    ...resolved,
    strategy: strategy ?? (await resolveStrategy({}, undefined)),
    ...(journal !== undefined && { journal }),
    ...(carrier !== undefined && { carrier }),
    ...(flags.settingsBudgets && { budget: { resources: flags.settingsBudgets } }),
    attachments: {
      ...(file.directory !== undefined && { directory: file.directory }),
      ...(flags.allowRead !== undefined && { allowRead: flags.allowRead }),
    },
  };
  let areConnected = false;
  const useTools = async (tools: readonly Tool[] = []) => {
    areConnected = true;
    const steps = await stepOptions(file.plan, flags, tools);
    const all = {
      ...options,
      ...steps,
      tools: needingApproval(steps.tools ?? [], flags.approveTools),
      ...(await replanOptions(flags, resolved.runner, tools)),
    };
    return use(createChecked(all), listPricesDate(flags, resolved), all);
  };
  try {
    return await withTools(flags, useTools);
  } catch (error) {
    if (areConnected || !(error instanceof UsageError)) throw error;
    // Without its tools, nothing else can be said about the plan.
    checks.report(error.message);
    checks.finish();
    throw error;
  }
}

/** Reports runners that cannot answer any request, such as one without a key. */
async function checkRunners(
  preflight: Preflight,
  { plan, models }: LoadedPlan,
  { runner, runners = {} }: ResolvedRunners,
  replans: boolean,
): Promise<void> {
  const used = new Set<TaskRunner>(replans ? [runner] : []);
  hasTask(plan.tasks, (task) => {
    const name = isForModel(task) ? profileOf(task, models) : undefined;
    const own = name === undefined || task.model === undefined ? runner : runners[name];
    if (isForModel(task) && own !== undefined) used.add(own);
    return false;
  });
  for (const each of used) {
    await each.check?.().catch((error: unknown) => {
      if (!isStratagemError(error)) throw error;
      preflight.report(error.message);
    });
  }
}

/** In the place of runners whose options are wrong, so that all other problems are found, too. */
function unresolved(models: LoadedPlan['models']): ResolvedRunners {
  const runner: TaskRunner = {
    name: 'unresolved',
    supportsTools: true,
    supportedOptions: [...TASK_OPTIONS, ...attachmentSupport(['*/*'])],
    run: () => Promise.reject(new Error('the options of the runner are wrong')),
  };
  const names = Object.keys(models ?? {});
  if (names.length === 0) return { runner };
  return { runner, runners: Object.fromEntries(names.map((name) => [name, runner])) };
}

/** The date of the oldest price list behind the costs; undefined with prices of the user. */
export function listPricesDate(
  { prices }: Pick<LimitFlags, 'prices'>,
  { runner, runners = {} }: ResolvedRunners,
): string | undefined {
  if (prices !== undefined) return undefined;
  const [oldest] = [runner, ...Object.values(runners)]
    .flatMap(({ pricing }) => pricing?.asOf ?? [])
    .sort();
  return oldest;
}

function createChecked(options: ExecutorOptions): Executor {
  try {
    return createExecutor(options);
  } catch (error) {
    // Prices come from a file, and only the executor checks them.
    throw optionErrorToUsageError(error);
  }
}

/** The model that runs the tasks also makes the new tasks when some fail. */
async function replanOptions(
  { replan: maxRounds, retries }: ExecutorFlags,
  runner: TaskRunner,
  tools: readonly Tool[],
): Promise<Pick<RunOptions, 'replan'>> {
  if (maxRounds === undefined) return {};
  const { replanner } = await import('@stratagem/planner');
  return { replan: replanner({ runner, tools, maxRounds, ...retryOptions(retries) }) };
}
