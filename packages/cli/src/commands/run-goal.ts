import type { Plan, RunEvent } from '@stratagem/core';
import {
  type GoalHandle,
  type GoalResult,
  type PlanAndExecuteOptions,
  planAndExecute,
} from '@stratagem/planner';
import { needingApproval, withTools } from '../load/load-tools.js';
import { checkProgressFlags, type ProgressFlags } from '../options/progress-flags.js';
import { filesOf, type RunFlags } from '../options/run-flags.js';
import { optionErrorToUsageError } from '../options/to-usage-error.js';
import { COMMAND } from '../output/command-name.js';
import { createProgress } from '../output/create-progress.js';
import { EXIT } from '../output/exit-code.js';
import { finalOutputs } from '../output/final-outputs.js';
import { goalDocument } from '../output/json-documents.js';
import { jsonText } from '../output/json-text.js';
import { planOutline } from '../output/plan-outline.js';
import type { Progress } from '../output/progress.js';
import { checkOutput, printResult } from '../output/result-file.js';
import { checkRunFiles, writeRunFiles } from '../output/run-files.js';
import { planningLine, runSummary } from '../output/run-summary.js';
import { write } from '../output/streams.js';
import { forTerminal } from '../output/terminal-text.js';
import { goalOptions } from '../run/goal-options.js';
import { GoalPage } from '../run/goal-page.js';
import { Preflight } from '../run/preflight.js';
import { openRunPage } from '../run/run-page.js';
import { interruptProcess, signalExitCode, stopOnSignals } from '../run/signals.js';
import { announceSimulation } from '../run/simulation-notice.js';
import { askYesOrNo, canAsk, openTerminal } from '../run/terminal.js';
import { listPricesDate } from '../run/with-executor.js';
import { optionOf } from '../run/without-effect.js';
import { withSettings } from '../settings/apply-settings.js';
import type { Settings } from '../settings/settings.js';

/** `stratagem run --goal GOAL`: returns the exit code of planning and running. */
export async function runGoalCommand(
  goal: string,
  given: RunFlags,
  settings: Settings,
): Promise<number> {
  const preflight = new Preflight();
  preflight.report(...flagProblems(goal, given));
  await preflight.try(() => checkProgressFlags(given));
  await preflight.try(() => checkRunFiles(given));
  const flags = withSettings(given, settings);
  const { replan, fallback } = flags;
  const options = {
    ...(await goalOptions(flags, preflight)),
    ...(replan !== undefined && { replan: { maxRounds: replan } }),
    ...(fallback !== undefined && { fallback }),
  };
  return withTools(flags, async (given) => {
    const tools = needingApproval(given ?? [], flags.approveTools);
    const { file, envFile } = settings;
    await checkOutput(flags, [file, envFile, ...filesOf(flags)]);
    return runGoal(goal, { ...options, ...(given !== undefined && { tools }) }, flags);
  });
}

const NEEDS_FILE = 'it needs a plan file';
const NOT_KNOWN = 'the plan is not known yet; questions are asked on the terminal and the page';
const MAKES_NONE = 'a plan made by the model never has such tasks';

/** Options that have no effect with a goal, and why. */
const WITHOUT_EFFECT: Readonly<Partial<Record<keyof RunFlags, string>>> = {
  approve: NOT_KNOWN,
  reject: NOT_KNOWN,
  answer: NOT_KNOWN,
  journal: NEEDS_FILE,
  reuse: NEEDS_FILE,
  dryRun: NEEDS_FILE,
  allowRead: NEEDS_FILE,
  allowOutside: NEEDS_FILE,
  input: NEEDS_FILE,
  inputs: NEEDS_FILE,
  allowCommands: MAKES_NONE,
  allowHosts: MAKES_NONE,
  outputDir: MAKES_NONE,
};

function flagProblems(goal: string, flags: RunFlags): string[] {
  const problems = goal.trim() === '' ? ['--goal is empty'] : [];
  for (const [name, reason] of Object.entries(WITHOUT_EFFECT)) {
    if (flags[name as keyof RunFlags] === undefined) continue;
    problems.push(`${optionOf(name)} has no effect with --goal: ${reason}`);
  }
  if (flags.port !== undefined && !flags.ui) {
    problems.push('--port has no effect without --ui: remove it');
  }
  if (!flags.yes && !canAsk()) {
    problems.push(
      '--goal asks for confirmation before it runs the plan, but there is no terminal to ask on: ' +
        `use --yes to run it without confirmation, or make a plan file with "${COMMAND} plan"`,
    );
  }
  return problems;
}

async function runGoal(
  goal: string,
  options: PlanAndExecuteOptions,
  flags: RunFlags,
): Promise<number> {
  await announceSimulation(flags);
  checkProgressFlags(flags);
  await checkRunFiles(flags);
  const page = await openRunPage(flags);
  const screen = new Screen(flags);
  let handle: GoalHandle | undefined;
  const cancel = (reason?: unknown) => handle?.cancel(reason);
  const signals = stopOnSignals(cancel);
  const shown = page && new GoalPage(page, (text) => screen.print(text), cancel);
  handle = start(goal, {
    ...options,
    onEvent(event) {
      screen.onEvent(event);
      shown?.onEvent(event);
    },
    review: (plan, { signal }) => screen.review(plan, flags.yes === true, signal),
  });
  const result = await handle;
  screen.stop();
  shown?.stop();

  const run = result.result;
  const document = flags.json
    ? `${jsonText(goalDocument(result))}\n`
    : run === undefined
      ? ''
      : finalOutputs(run, flags);
  await printResult(document, flags);
  signals.stop();
  const isQuiet = flags.quiet && run?.status === 'completed';
  if (run !== undefined && !isQuiet && flags.logFormat !== 'json') {
    const pricesAsOf = listPricesDate(flags, options);
    await write(process.stderr, runSummary(run, { pricesAsOf }));
    const planning = result.planning.result?.metrics;
    if (planning !== undefined) {
      await write(process.stderr, planningLine(planning, result, process.stderr));
    }
  }
  if (!flags.json && result.result === undefined) {
    await write(process.stderr, `stratagem: ${forTerminal((result.error as Error).message)}\n`);
  }
  const { timeline = [] } = result.result ?? result.planning.result ?? {};
  if (timeline.length > 0) {
    const pricesAsOf = listPricesDate(flags, options);
    const files = await writeRunFiles(flags, timeline, { pricesAsOf });
    for (const file of files) await write(process.stderr, `Wrote ${forTerminal(file)}\n`);
  }
  await (signals.received === undefined ? page?.linger() : page?.close());
  return exitCodeOf(result, signals.received);
}

function start(goal: string, options: PlanAndExecuteOptions): GoalHandle {
  try {
    return planAndExecute(goal, options);
  } catch (error) {
    // Prices come from a file, and only the executor checks them.
    throw optionErrorToUsageError(error);
  }
}

/** Shows the progress of planning, then the plan for review, then the progress of the run. */
class Screen {
  readonly #flags: ProgressFlags;
  #progress: Progress;

  constructor(flags: ProgressFlags) {
    this.#flags = flags;
    this.#progress = createProgress(flags);
  }

  onEvent(event: RunEvent): void {
    this.#progress.onEvent(event);
  }

  async review(plan: Plan, isApproved: boolean, signal: AbortSignal): Promise<boolean> {
    this.#progress.stop();
    // A plan that is run without confirmation is shown for information alone.
    const isShown = !isApproved || (!this.#flags.quiet && this.#flags.logFormat !== 'json');
    if (isShown) await write(process.stderr, planOutline(plan, process.stderr));
    const shouldRun = isApproved || (await confirmRun(signal));
    this.#progress = createProgress(this.#flags);
    return shouldRun;
  }

  print(text: string): void {
    this.#progress.suspend();
    process.stderr.write(text);
    this.#progress.resume();
  }

  stop(): void {
    this.#progress.stop();
  }
}

async function confirmRun(signal: AbortSignal): Promise<boolean> {
  const terminal = openTerminal(undefined, interruptProcess);
  if (terminal === undefined) return false;
  try {
    return await askYesOrNo(terminal, 'Run this plan?', signal);
  } catch {
    return false; // The run was interrupted, or the terminal was closed.
  }
}

function exitCodeOf({ status }: GoalResult, signal: NodeJS.Signals | undefined): number {
  if (status === 'completed') return EXIT.completed;
  return signal === undefined ? EXIT.failed : signalExitCode(signal);
}
