import {
  createExecutor,
  type Executor,
  type ExecutorOptions,
  type Journal,
  OptionError,
  type RunOptions,
  type TaskRunner,
  type Tool,
} from '@stratagem/core';
import type { StrategySpec } from '@stratagem/core/document';
import { loadTools } from '../load/load-tools.js';
import {
  chooseRunner,
  chooseStrategy,
  type RunnerFlags,
  type StrategyFlags,
} from '../options/resolve-options.js';
import { type WrapperFlags, wrapRunner } from '../options/wrap-runner.js';
import { UsageError } from '../output/exit-code.js';

/** What decides on who does the tasks, and how. */
export interface ExecutorFlags extends StrategyFlags, RunnerFlags, WrapperFlags {
  readonly mcpConfig?: string;
  /** The most rounds of re-planning. */
  readonly replan?: number;
  readonly retries?: number;
}

/**
 * An executor as the command line describes it, while `use` needs it.
 *
 * @param strategy That of the plan file.
 * @throws {UsageError} when an option cannot be used.
 */
export async function withExecutor<Result>(
  flags: ExecutorFlags,
  strategy: StrategySpec | undefined,
  journal: Journal | undefined,
  use: (executor: Executor) => Promise<Result>,
): Promise<Result> {
  const { mcpConfig } = flags;
  const runner = await wrapRunner(await chooseRunner(flags), flags);
  const options = {
    runner,
    strategy: await chooseStrategy(flags, strategy),
    ...(journal !== undefined && { journal }),
  };
  if (mcpConfig === undefined) {
    const replan = await replanOf(flags, runner, []);
    return use(executorOf({ ...options, ...replan }));
  }
  const { tools, close } = await loadTools(mcpConfig);
  try {
    const replan = await replanOf(flags, runner, tools);
    return await use(executorOf({ ...options, tools, ...replan }));
  } finally {
    await close();
  }
}

function executorOf(options: ExecutorOptions): Executor {
  try {
    return createExecutor(options);
  } catch (error) {
    // Prices come from a file; everything else has been checked where it was read.
    if (error instanceof OptionError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

/** The model that does the tasks also says what else to do when some fail. */
async function replanOf(
  { replan: maxRounds, retries }: ExecutorFlags,
  runner: TaskRunner,
  tools: readonly Tool[],
): Promise<Pick<RunOptions, 'replan'>> {
  if (maxRounds === undefined) return {};
  const { replanner } = await import('@stratagem/planner');
  const retry = retries === undefined ? {} : { retry: { maxAttempts: retries + 1 } };
  return { replan: replanner({ runner, tools, maxRounds, ...retry }) };
}
