import { createExecutor, type RunOptions, type Strategy, type TaskRunner } from '@stratagem/core';
import { resourceOf } from '@stratagem/core/runner';
import { resolveStrategy } from '../options/resolve-options.js';
import { resolveRunner } from '../options/resolve-runners.js';
import type { ExecutorFlags, LimitFlags } from '../options/run-flags.js';
import type { Preflight } from './preflight.js';
import { retryOptions, toRunOptions } from './run-options.js';

/** What a command needs that asks a model for a plan. */
export interface GoalOptions extends RunOptions {
  readonly runner: TaskRunner;
  readonly strategy: Strategy;
}

/**
 * The options of a command that asks a model for a plan, checked as far as they can be before it is asked.
 *
 * @throws {UsageError} with all problems of the command.
 */
export async function goalOptions(
  flags: ExecutorFlags & LimitFlags,
  preflight: Preflight,
): Promise<GoalOptions> {
  const runner = await preflight.try(() => resolveRunner(flags));
  const strategy = await preflight.try(() => resolveStrategy(flags, undefined));
  const given = await preflight.try(() => toRunOptions(flags));
  const limits = given && withBudgetOf(runner, flags.settingsBudgets, given);
  await preflight.try(() => runner?.check?.());
  if (runner !== undefined && strategy !== undefined && limits !== undefined) {
    const executor = await preflight.try(() => createExecutor({ strategy, runner, ...limits }));
    // Any plan will do: the runner and the prices are those of every task.
    const plan = { goal: 'plan', tasks: [{ id: 'plan', description: 'plan' }] };
    if (executor !== undefined) preflight.ask(executor, plan);
  }
  preflight.finish();
  return { runner, strategy, ...limits, ...retryOptions(flags.retries) } as GoalOptions;
}

/** The settings are for many runs: of their budgets, only that of this runner's resource applies. */
function withBudgetOf(
  runner: TaskRunner | undefined,
  budgets: ExecutorFlags['settingsBudgets'] = {},
  { budget, ...limits }: RunOptions,
): RunOptions {
  const name = runner === undefined ? '' : resourceOf(runner, { id: '' });
  const own = budgets[name] && { [name]: budgets[name] };
  const resources = { ...own, ...budget?.resources };
  const all = { ...budget, ...(Object.keys(resources).length > 0 && { resources }) };
  return { ...limits, ...(Object.keys(all).length > 0 && { budget: all }) };
}
