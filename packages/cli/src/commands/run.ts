import {
  type Executor,
  isStratagemError,
  type Plan,
  type RunHandle,
  type RunOptions,
} from '@stratagem/core';
import { loadPlan } from '../load/load-plan.js';
import { loadPrices } from '../load/load-prices.js';
import { asUsageError, openJournal } from '../load/open-journal.js';
import type { RunnerFlags } from '../options/resolve-options.js';
import { UsageError } from '../output/exit-code.js';
import { write } from '../output/streams.js';
import { commandJournal } from '../run/command-journal.js';
import { recordOf } from '../run/command-record.js';
import { type DriveFlags, driveRun } from '../run/execute-run.js';
import { checkGivenAnswers } from '../run/preset-answers.js';
import { recordingIn } from '../run/recording.js';
import { type ExecutorFlags, withExecutor } from '../run/with-executor.js';

/** How far a run may go. */
export interface LimitFlags {
  readonly retries?: number;
  readonly failFast?: boolean;
  readonly deadline?: number;
  readonly seed?: number;
  readonly budgetTokens?: number;
  readonly budgetCost?: number;
  readonly prices?: string;
}

export interface RunFlags extends ExecutorFlags, LimitFlags, DriveFlags {
  readonly journal?: string;
  /** Take outputs of earlier runs. */
  readonly reuse?: boolean;
  /** Say what would run, and run nothing. */
  readonly dry?: boolean;
  /** Run a plan that a model has made without asking. */
  readonly yes?: boolean;
}

/** `stratagem run PLAN`: the exit code of the run. */
export async function runCommand(file: string, flags: RunFlags): Promise<number> {
  if (flags.yes) throw new UsageError('--yes has no effect without --goal: leave it out');
  const { plan: written, strategy } = await loadPlan(file);
  const plan = withRetries(written, flags.retries);
  checkGivenAnswers(plan, flags);
  if (flags.dry) {
    const { dryCommand } = await import('./dry-run.js');
    return dryCommand(plan, strategy, flags);
  }
  const { journal: directory } = flags;
  if (directory === undefined) {
    if (flags.reuse) throw needsJournal('--reuse');
    return withExecutor(flags, strategy, undefined, async (executor) => {
      const options = await begin(flags);
      return driveRun((more) => start(executor, plan, { ...options, ...more }), flags);
    });
  }
  const opened = await openJournal(directory, false);
  const journal = commandJournal(opened, recordOf(file, strategy, flags));
  try {
    return await withExecutor(flags, strategy, journal, async (executor) => {
      const options = await begin(flags);
      const recording = recordingIn(directory, journal);
      return driveRun((more) => start(executor, plan, { ...options, ...more }), flags, recording);
    });
  } catch (error) {
    throw asUsageError(error);
  } finally {
    await journal.close();
  }
}

/** An option that has to do with earlier runs. */
export function needsJournal(option: string): UsageError {
  return new UsageError(`${option} needs --journal DIR, the folder with the earlier runs`);
}

async function begin(flags: RunFlags): Promise<RunOptions> {
  await tellOfSimulation(flags);
  return { ...(await limitsOf(flags)), ...(flags.reuse && { reuse: true }) };
}

/** Nobody is to take the answers of the simulated model for those of a real one. */
export async function tellOfSimulation({ runner, replay }: RunnerFlags): Promise<void> {
  if ((runner ?? 'simulated') !== 'simulated' || replay !== undefined) return;
  await write(
    process.stderr,
    'Using the simulated model; --runner openai or anthropic takes a real one.\n',
  );
}

/** What a plan asks for that it is not given is found only here: tools. */
function start(executor: Executor, plan: Plan, options: RunOptions): RunHandle {
  try {
    return executor.execute(plan, options);
  } catch (error) {
    throw lackOf(error);
  }
}

/** What an executor refuses, with how the command line gives what is missing. */
export function lackOf(error: unknown): unknown {
  if (!isStratagemError(error)) return error;
  const lacksTools = error.code === 'invalid_plan' && error.message.includes('there is no tool');
  const hint = lacksTools ? '\n--mcp-config gives tasks the tools of MCP servers.' : '';
  return new UsageError(error.message + hint, { cause: error });
}

/** The command line goes before the file, but not before what the file says about single tasks. */
export function withRetries(plan: Plan, retries: number | undefined): Plan {
  if (retries === undefined) return plan;
  return { ...plan, retry: { ...plan.retry, maxAttempts: retries + 1 } };
}

/** The options of a run that the command line gives. */
export async function limitsOf(flags: LimitFlags): Promise<RunOptions> {
  const { failFast, deadline, seed, budgetTokens, budgetCost, prices } = flags;
  const budget = {
    ...(budgetTokens !== undefined && { tokens: budgetTokens }),
    ...(budgetCost !== undefined && { costUsd: budgetCost }),
  };
  return {
    ...(failFast && { failFast: true }),
    ...(deadline !== undefined && { deadlineMs: deadline }),
    ...(seed !== undefined && { seed }),
    ...(Object.keys(budget).length > 0 && { budget }),
    ...(prices !== undefined && { prices: await loadPrices(prices) }),
  };
}
