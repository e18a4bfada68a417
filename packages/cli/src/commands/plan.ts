import type { PlanEvent } from '@stratagem/core';
import {
  type DecomposeOptions,
  type Decomposition,
  DecompositionError,
  decompose,
  formatAnswerProblem,
} from '@stratagem/planner';
import { loadTools } from '../load/load-tools.js';
import { chooseRunner, type RunnerFlags } from '../options/resolve-options.js';
import { type WrapperFlags, wrapRunner } from '../options/wrap-runner.js';
import { createProgress } from '../output/create-progress.js';
import { EXIT, UsageError } from '../output/exit-code.js';
import { planDocument, planErrorDocument } from '../output/json-documents.js';
import { jsonText } from '../output/json-text.js';
import { checkPlanFile, planYaml, writePlanFile } from '../output/plan-file.js';
import { planOutline } from '../output/plan-outline.js';
import { write } from '../output/streams.js';
import { forTerminal, onOneLine } from '../output/terminal-text.js';
import { cancelOnSignals } from '../run/signals.js';
import { type LimitFlags, limitsOf, tellOfSimulation } from './run.js';

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

/** Of an answer that cannot be used, no more than this is shown. */
const MAX_SHOWN = 4_000;

/** `stratagem plan GOAL`: the exit code of making the plan. */
export async function planCommand(goal: string, flags: PlanFlags): Promise<number> {
  const { output, force = false, mcpConfig } = flags;
  if (goal.trim() === '') throw new UsageError('the goal is empty: say what is to be reached');
  if (force && output === undefined) {
    throw new UsageError('--force has no effect without --output: leave it out');
  }
  if (output !== undefined) await checkPlanFile(output, force);
  const options = await optionsOf(flags);
  if (mcpConfig === undefined) return makePlan(goal, options, flags);
  const { tools, close } = await loadTools(mcpConfig);
  try {
    return await makePlan(goal, { ...options, tools }, flags);
  } finally {
    await close();
  }
}

async function optionsOf(flags: PlanFlags): Promise<DecomposeOptions> {
  const { retries, complexity, maxDepth, maxSubtasks, minSubtasks, maxTasks } = flags;
  const { repairAttempts } = flags;
  const given = { complexity, maxDepth, maxSubtasks, minSubtasks, maxTasks, repairAttempts };
  return {
    runner: await wrapRunner(await chooseRunner(flags), flags),
    ...(await limitsOf(flags)),
    ...(retries !== undefined && { retry: { maxAttempts: retries + 1 } }),
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  };
}

async function makePlan(
  goal: string,
  options: DecomposeOptions,
  flags: PlanFlags,
): Promise<number> {
  await tellOfSimulation(flags);
  const progress = createProgress();
  const stop = new AbortController();
  const signals = cancelOnSignals((reason) => stop.abort(reason));
  const onEvent = (event: PlanEvent) => progress.onEvent(event);
  try {
    const made = await decompose(goal, { ...options, signal: stop.signal, onEvent });
    progress.stop();
    await show(made, flags);
    return EXIT.completed;
  } catch (error) {
    progress.stop();
    if (!(error instanceof DecompositionError)) throw asUsage(error);
    await explain(error, flags);
    if (signals.received === undefined) return EXIT.failed;
    return signals.received === 'SIGTERM' ? EXIT.terminated : EXIT.interrupted;
  } finally {
    signals.stop();
  }
}

/** The plan on standard output, or in its file; what is to be said about it on standard error. */
async function show(made: Decomposition, flags: PlanFlags): Promise<void> {
  const { plan } = made;
  const { output, force = false, json } = flags;
  await write(process.stderr, about(made));
  if (output !== undefined) {
    await writePlanFile(output, plan, force);
    await write(process.stderr, planOutline(plan, process.stderr));
    await write(process.stderr, `Written to ${output}; stratagem run ${output} runs it.\n`);
  }
  if (json) await write(process.stdout, `${jsonText(planDocument(made))}\n`);
  else if (output === undefined) await write(process.stdout, planYaml(plan));
}

function about({ complexity, repairs, rejected, usage, costUsd }: Decomposition): string {
  if (complexity === 'simple') {
    return 'The goal is one task, so no model was asked; --complexity complex asks one.\n';
  }
  const answers = rejected.length === 0 ? '1 answer' : `${rejected.length + 1} answers`;
  const cost = costUsd === null ? 'cost unknown' : `cost $${costUsd.toFixed(4)}`;
  const { inputTokens, outputTokens } = usage;
  const line = `Planned in ${answers} of the model, tokens ${inputTokens} in, ${outputTokens} out, ${cost}.\n`;
  if (repairs.length === 0) return line;
  const list = repairs.map((repair) => `  - ${onOneLine(repair, 200)}\n`).join('');
  return `${line}Mended in its answer:\n${list}`;
}

async function explain(error: DecompositionError, { json }: PlanFlags): Promise<void> {
  if (json) {
    await write(process.stdout, `${jsonText(planErrorDocument(error))}\n`);
    return;
  }
  const { problems, answer } = error;
  const [first = ''] = error.message.split('\n');
  const list = problems.map((problem) => `  - ${onOneLine(formatAnswerProblem(problem), 300)}\n`);
  await write(process.stderr, `stratagem: ${forTerminal(first)}\n${list.join('')}`);
  if (answer === undefined) return;
  const shown = answer.length <= MAX_SHOWN ? answer : `${answer.slice(0, MAX_SHOWN)}…`;
  await write(process.stderr, `\nThe last answer:\n${forTerminal(shown)}\n`);
}

/** Bounds that contradict each other are for the user to mend. */
function asUsage(error: unknown): unknown {
  const isOption = error instanceof Error && 'code' in error && error.code === 'invalid_option';
  return isOption ? new UsageError(error.message, { cause: error }) : error;
}
