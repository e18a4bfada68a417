import type { RunEvent } from '@stratagem/core';
import {
  type DecomposeOptions,
  type Decomposition,
  DecompositionError,
  decompose,
  formatAnswerProblem,
} from '@stratagem/planner';
import { withTools } from '../load/load-tools.js';
import type { LimitFlags, RunnerFlags, WrapperFlags } from '../options/run-flags.js';
import { optionErrorToUsageError } from '../options/to-usage-error.js';
import { COMMAND } from '../output/command-name.js';
import { createProgress } from '../output/create-progress.js';
import { EXIT } from '../output/exit-code.js';
import { planDocument, planErrorDocument } from '../output/json-documents.js';
import { jsonText } from '../output/json-text.js';
import { checkPlanFile, fileExists, planYaml, writePlanFile } from '../output/plan-file.js';
import { planOutline } from '../output/plan-outline.js';
import { plural } from '../output/plural.js';
import { shellQuote } from '../output/shell-quote.js';
import { write } from '../output/streams.js';
import { forTerminal, onOneLine } from '../output/terminal-text.js';
import { goalOptions } from '../run/goal-options.js';
import { Preflight } from '../run/preflight.js';
import { signalExitCode, stopOnSignals } from '../run/signals.js';
import { announceSimulation } from '../run/simulation-notice.js';
import { withSettings } from '../settings/apply-settings.js';
import type { Settings } from '../settings/settings.js';

export interface PlanFlags extends RunnerFlags, WrapperFlags, LimitFlags {
  readonly output?: string;
  readonly force?: boolean;
  readonly complexity?: 'simple' | 'complex';
  readonly maxDepth?: number;
  readonly maxSubtasks?: number;
  readonly minSubtasks?: number;
  readonly maxTasks?: number;
  readonly repairAttempts?: number;
  readonly mcpConfig?: string;
  readonly json?: boolean;
}

/** The maximum length of an invalid response in an error message. */
const MAX_RESPONSE_LENGTH = 4_000;

/** `stratagem plan GOAL`: returns the exit code. */
export async function planCommand(
  goal: string,
  given: PlanFlags,
  settings: Settings,
): Promise<number> {
  const flags = withSettings(given, settings);
  const { output, force = false, mcpConfig } = flags;
  const preflight = new Preflight();
  if (goal.trim() === '') preflight.report('the goal is empty');
  if (force && output === undefined) {
    preflight.report('--force has no effect without --output: remove it');
  }
  if (output !== undefined) {
    await preflight.try(() => checkPlanFile(output, force ? undefined : fileExists(output)));
  }
  const options = await decomposeOptions(flags, preflight);
  return withTools({ mcpConfig }, (tools) =>
    makePlan(goal, { ...options, ...(tools !== undefined && { tools }) }, flags),
  );
}

async function decomposeOptions(flags: PlanFlags, preflight: Preflight): Promise<DecomposeOptions> {
  const { complexity, maxDepth, maxSubtasks, minSubtasks, maxTasks } = flags;
  const { repairAttempts } = flags;
  const bounds = { complexity, maxDepth, maxSubtasks, minSubtasks, maxTasks, repairAttempts };
  const { strategy: _, ...options } = await goalOptions(flags, preflight);
  return {
    ...options,
    ...Object.fromEntries(Object.entries(bounds).filter(([, value]) => value !== undefined)),
  };
}

async function makePlan(
  goal: string,
  options: DecomposeOptions,
  flags: PlanFlags,
): Promise<number> {
  await announceSimulation(flags);
  const progress = createProgress();
  const controller = new AbortController();
  const signals = stopOnSignals((reason) => controller.abort(reason));
  const onEvent = (event: RunEvent) => progress.onEvent(event);
  try {
    const { signal } = controller;
    const decomposition = await decompose(goal, { ...options, signal, onEvent });
    progress.stop();
    await printPlan(decomposition, flags);
    return EXIT.completed;
  } catch (error) {
    progress.stop();
    if (!(error instanceof DecompositionError)) throw optionErrorToUsageError(error);
    await printFailure(error, flags);
    return signals.received === undefined ? EXIT.failed : signalExitCode(signals.received);
  } finally {
    signals.stop();
  }
}

/** Prints the plan to standard output or its file, and a summary to standard error. */
async function printPlan(decomposition: Decomposition, flags: PlanFlags): Promise<void> {
  const { plan } = decomposition;
  const { output, force = false, json } = flags;
  await write(process.stderr, summary(decomposition));
  if (output !== undefined) {
    await writePlanFile(output, plan, force);
    await write(process.stderr, planOutline(plan, process.stderr));
    await write(
      process.stderr,
      `Wrote ${output}. To run it: ${COMMAND} run ${shellQuote(output)}\n`,
    );
  }
  if (json) await write(process.stdout, `${jsonText(planDocument(decomposition))}\n`);
  else if (output === undefined) await write(process.stdout, planYaml(plan));
}

function summary({ complexity, repairs, rejectedAnswers, usage, costUsd }: Decomposition): string {
  if (complexity === 'simple') {
    return 'The goal is a single task: no model was called. To call it, use --complexity complex.\n';
  }
  const responses = plural(rejectedAnswers.length + 1, 'response');
  const cost = costUsd === null ? 'cost unknown' : `cost $${costUsd.toFixed(4)}`;
  const { inputTokens, outputTokens } = usage;
  const line = `Planned with ${responses} of the model (tokens: ${inputTokens} in, ${outputTokens} out; ${cost}).\n`;
  if (repairs.length === 0) return line;
  const list = repairs.map((repair) => `  - ${onOneLine(repair, 200)}\n`).join('');
  return `${line}Repaired in its response:\n${list}`;
}

async function printFailure(error: DecompositionError, { json }: PlanFlags): Promise<void> {
  if (json) {
    await write(process.stdout, `${jsonText(planErrorDocument(error))}\n`);
    return;
  }
  const { problems, answer } = error;
  const [first = ''] = error.message.split('\n');
  const list = problems.map((problem) => `  - ${onOneLine(formatAnswerProblem(problem), 300)}\n`);
  await write(process.stderr, `stratagem: ${forTerminal(first)}\n${list.join('')}`);
  if (answer === undefined) return;
  const isShort = answer.length <= MAX_RESPONSE_LENGTH;
  const shown = isShort ? answer : `${answer.slice(0, MAX_RESPONSE_LENGTH)}…`;
  await write(process.stderr, `\nThe last response:\n${forTerminal(shown)}\n`);
}
