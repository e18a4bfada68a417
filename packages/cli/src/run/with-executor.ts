import {
  createExecutor,
  type Executor,
  type ExecutorOptions,
  type Journal,
  type RunOptions,
  type TaskRunner,
  type Tool,
} from '@stratagem/core';
import type { LoadedPlan } from '../load/load-plan.js';
import { withTools } from '../load/load-tools.js';
import { resolveStrategy } from '../options/resolve-options.js';
import { type ResolvedRunners, resolveRunners } from '../options/resolve-runners.js';
import type { ExecutorFlags, LimitFlags } from '../options/run-flags.js';
import { optionErrorToUsageError } from '../options/to-usage-error.js';
import { retryOptions } from './run-options.js';
import { stepOptions } from './step-options.js';

/**
 * Creates the executor that the command line describes, while `use` needs it. `use` also gets the date
 * of the price list of the runner.
 *
 * @param file The plan file: its strategy and models, and what its tasks need.
 * @throws {UsageError} when an option is invalid.
 */
export async function withExecutor<Result>(
  flags: ExecutorFlags & Pick<LimitFlags, 'prices'>,
  file: LoadedPlan,
  journal: Journal | undefined,
  use: (executor: Executor, pricesAsOf: string | undefined) => Promise<Result>,
): Promise<Result> {
  const resolved = await resolveRunners(flags, file.models);
  const options = {
    ...resolved,
    strategy: await resolveStrategy(flags, file.strategy),
    ...(journal !== undefined && { journal }),
    attachments: {
      ...(file.directory !== undefined && { directory: file.directory }),
      ...(flags.allowRead !== undefined && { allowRead: flags.allowRead }),
    },
  };
  return withTools(flags, async (tools = []) =>
    use(
      createChecked({
        ...options,
        ...(await stepOptions(file.plan, flags, tools)),
        ...(await replanOptions(flags, resolved.runner, tools)),
      }),
      listPricesDate(flags, resolved),
    ),
  );
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
