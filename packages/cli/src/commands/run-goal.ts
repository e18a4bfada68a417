import { OptionError, type Plan, type PlanEvent, type Tool } from '@stratagem/core';
import {
  type GoalHandle,
  type GoalResult,
  type PlanAndExecuteOptions,
  planAndExecute,
} from '@stratagem/planner';
import { loadTools } from '../load/load-tools.js';
import { chooseRunner, chooseStrategy } from '../options/resolve-options.js';
import { wrapRunner } from '../options/wrap-runner.js';
import { createProgress, type Progress } from '../output/create-progress.js';
import { EXIT, UsageError } from '../output/exit-code.js';
import { goalDocument } from '../output/json-documents.js';
import { jsonText } from '../output/json-text.js';
import { planOutline } from '../output/plan-outline.js';
import { goalReport } from '../output/run-report.js';
import { write } from '../output/streams.js';
import { forTerminal } from '../output/terminal-text.js';
import { cancelOnSignals } from '../run/signals.js';
import { canAsk, terminalOf } from '../run/terminal.js';
import { limitsOf, type RunFlags, tellOfSimulation } from './run.js';

/** `stratagem run --goal GOAL`: the exit code of planning and running. */
export async function goalCommand(goal: string, flags: RunFlags): Promise<number> {
  checkFlags(goal, flags);
  const { retries, replan } = flags;
  const options = {
    runner: await wrapRunner(await chooseRunner(flags), flags),
    strategy: await chooseStrategy(flags, undefined),
    ...(await limitsOf(flags)),
    ...(retries !== undefined && { retry: { maxAttempts: retries + 1 } }),
    ...(replan !== undefined && { replan: { maxRounds: replan } }),
  };
  if (flags.mcpConfig === undefined) return pursue(goal, options, flags);
  const { tools, close } = await loadTools(flags.mcpConfig);
  try {
    return await pursue(goal, { ...options, tools }, flags);
  } finally {
    await close();
  }
}

/** @throws {UsageError} before anything is asked of a model. */
function checkFlags(goal: string, flags: RunFlags): void {
  if (goal.trim() === '') throw new UsageError('--goal is empty: say what is to be reached');
  for (const name of ['approve', 'reject', 'answer'] as const) {
    if (flags[name] === undefined) continue;
    const why = 'no task of a plan that a model makes waits for a human';
    throw new UsageError(`--${name} has no effect with --goal: ${why}`);
  }
  for (const name of ['journal', 'reuse', 'dry'] as const) {
    if (flags[name] === undefined) continue;
    const why = 'it is for plans that stand in a file';
    throw new UsageError(`--${name} has no effect with --goal: ${why}`);
  }
  if (flags.yes || canAsk()) return;
  throw new UsageError(
    '--goal makes a plan and asks before it is run, and there is no terminal to ask on: ' +
      'give --yes to run it unseen, or make a file with "stratagem plan" and run that',
  );
}

async function pursue(
  goal: string,
  options: PlanAndExecuteOptions & { tools?: readonly Tool[] },
  flags: RunFlags,
): Promise<number> {
  await tellOfSimulation(flags);
  const screen = new Screen();
  let handle: GoalHandle | undefined;
  const signals = cancelOnSignals((reason) => handle?.cancel(reason));
  handle = begin(goal, {
    ...options,
    onEvent: (event) => screen.onEvent(event),
    review: (plan, { signal }) => screen.review(plan, flags.yes === true, signal),
  });
  const result = await handle;
  screen.stop();

  const document = flags.json ? `${jsonText(goalDocument(result))}\n` : goalReport(result);
  await write(process.stdout, document);
  signals.stop();
  if (!flags.json && result.result === undefined) {
    await write(process.stderr, `stratagem: ${forTerminal((result.error as Error).message)}\n`);
  }
  return exitCodeOf(result, signals.received);
}

function begin(goal: string, options: PlanAndExecuteOptions): GoalHandle {
  try {
    return planAndExecute(goal, options);
  } catch (error) {
    // Prices come from a file; everything else has been checked where it was read.
    if (error instanceof OptionError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

/** What is to be seen: the planning, the plan with a question, the run. */
class Screen {
  #progress: Progress = createProgress();

  onEvent(event: PlanEvent): void {
    this.#progress.onEvent(event);
  }

  /** Shows the plan, and asks whether to run it unless that has been said. */
  async review(plan: Plan, isApproved: boolean, signal: AbortSignal): Promise<boolean> {
    this.#progress.stop();
    await write(process.stderr, planOutline(plan, process.stderr));
    const isWanted = isApproved || (await askToRun(signal));
    this.#progress = createProgress();
    return isWanted;
  }

  stop(): void {
    this.#progress.stop();
  }
}

async function askToRun(signal: AbortSignal): Promise<boolean> {
  const terminal = terminalOf(undefined, () => process.kill(process.pid, 'SIGINT'));
  if (terminal === undefined) return false;
  try {
    for (;;) {
      const text = (await terminal.ask('Run it? [y/n] ', signal)).trim();
      if (/^y(es)?$/i.test(text)) return true;
      if (/^no?$/i.test(text)) return false;
      terminal.tell('Please answer y or n.');
    }
  } catch {
    return false; // Interrupted, or the terminal has gone.
  }
}

function exitCodeOf({ status }: GoalResult, signal: NodeJS.Signals | undefined): number {
  if (status === 'completed') return EXIT.completed;
  if (signal === undefined) return EXIT.failed;
  return signal === 'SIGTERM' ? EXIT.terminated : EXIT.interrupted;
}
