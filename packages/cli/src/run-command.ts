import {
  createExecutor,
  type Executor,
  type ExecutorOptions,
  isStratagemError,
  OptionError,
  type Plan,
  type PlanResult,
  type RunHandle,
  type RunOptions,
  type TaskRunner,
  type Tool,
} from '@stratagem/core';
import { chooseRunner, chooseStrategy, type RunnerFlags, type StrategyFlags } from './choose.js';
import { EXIT, UsageError } from './exit-code.js';
import { checkGivenAnswers } from './given-answers.js';
import { type GivenAnswers, HumanSteps } from './human-steps.js';
import { jsonDocument } from './json-document.js';
import { jsonText } from './json-text.js';
import { loadPlan } from './load-plan.js';
import { loadPrices } from './load-prices.js';
import { loadTools } from './load-tools.js';
import { write } from './output.js';
import { createProgress } from './progress.js';
import { report } from './report.js';
import { terminalOf } from './terminal-question.js';
import { type WrapperFlags, wrapRunner } from './wrap-runner.js';

/** How far a run may go. */
export interface LimitFlags {
  readonly failFast?: boolean;
  readonly deadline?: number;
  readonly retries?: number;
  readonly seed?: number;
  readonly budgetTokens?: number;
  readonly budgetCost?: number;
  readonly prices?: string;
}

export interface RunFlags
  extends StrategyFlags,
    RunnerFlags,
    WrapperFlags,
    LimitFlags,
    GivenAnswers {
  readonly mcpConfig?: string;
  /** The most rounds of re-planning. */
  readonly replan?: number;
  /** Run a plan that a model has made without asking. */
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** `stratagem run PLAN`: the exit code of the run. */
export async function runCommand(file: string, flags: RunFlags): Promise<number> {
  if (flags.yes) throw new UsageError('--yes has no effect without --goal: leave it out');
  const runner = await wrapRunner(await chooseRunner(flags), flags);
  const { plan: written, strategy } = await loadPlan(file);
  const plan = withRetries(written, flags.retries);
  checkGivenAnswers(plan, flags);
  const options = {
    strategy: await chooseStrategy(flags, strategy),
    runner,
    ...(await limitsOf(flags)),
  };
  if (flags.mcpConfig === undefined) {
    const replan = await replanOf(flags, runner, []);
    return runPlan(plan, executorOf({ ...options, ...replan }), flags);
  }
  const { tools, close } = await loadTools(flags.mcpConfig);
  try {
    const replan = await replanOf(flags, runner, tools);
    return await runPlan(plan, executorOf({ ...options, tools, ...replan }), flags);
  } finally {
    await close();
  }
}

async function runPlan(plan: Plan, executor: Executor, flags: RunFlags): Promise<number> {
  await tellOfSimulation(flags);
  const progress = createProgress();
  let stoppedFor: string | undefined;
  const run = start(executor, plan, {
    onEvent(event) {
      progress.onEvent(event);
      if (event.type === 'task_waiting') humans.onWaiting(event);
      else if (/^task_(completed|failed|canceled|skipped)$/.test(event.type)) {
        humans.onSettled((event as { taskId: string }).taskId);
      }
    },
  });
  const stop = (why: string) => {
    stoppedFor ??= why;
    run.cancel(why);
  };
  const signals = cancelOnSignals((reason) => run.cancel(reason));
  const terminal = terminalOf(progress, () => process.kill(process.pid, 'SIGINT'));
  const humans = new HumanSteps(run, flags, terminal, stop);
  const result = await run;
  progress.stop();

  const document = flags.json ? `${jsonText(jsonDocument(result))}\n` : report(result);
  await write(process.stdout, document);
  // Only now: a second signal also ends the waiting for whoever reads our output.
  signals.stop();
  if (stoppedFor === undefined) return exitCodeOf(result, signals.received);
  await write(process.stderr, `stratagem: ${stoppedFor}\n`);
  return EXIT.failed;
}

/** Nobody is to take the answers of the simulated model for those of a real one. */
export async function tellOfSimulation(flags: RunnerFlags): Promise<void> {
  if ((flags.runner ?? 'simulated') !== 'simulated' || flags.replay !== undefined) return;
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
    if (!isStratagemError(error)) throw error;
    const lacksTools = error.code === 'invalid_plan' && error.message.includes('there is no tool');
    const hint = lacksTools ? '\n--mcp-config gives tasks the tools of MCP servers.' : '';
    throw new UsageError(error.message + hint, { cause: error });
  }
}

/** The command line goes before the file, but not before what the file says about single tasks. */
function withRetries(plan: Plan, retries: number | undefined): Plan {
  if (retries === undefined) return plan;
  return { ...plan, retry: { ...plan.retry, maxAttempts: retries + 1 } };
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
  { replan: maxRounds, retries }: RunFlags,
  runner: TaskRunner,
  tools: readonly Tool[],
): Promise<Pick<RunOptions, 'replan'>> {
  if (maxRounds === undefined) return {};
  const { replanner } = await import('@stratagem/planner');
  const retry = retries === undefined ? {} : { retry: { maxAttempts: retries + 1 } };
  return { replan: replanner({ runner, tools, maxRounds, ...retry }) };
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

function exitCodeOf({ status }: PlanResult, signal: NodeJS.Signals | undefined): number {
  if (status === 'completed') return EXIT.completed;
  if (status === 'failed') return EXIT.failed;
  return signal === 'SIGTERM' ? EXIT.terminated : EXIT.interrupted;
}

/** The first signal cancels, so that what was done is still printed; the second one quits at once. */
export function cancelOnSignals(cancel: (reason: string) => void) {
  let received: NodeJS.Signals | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    if (received !== undefined) {
      process.exit(signal === 'SIGTERM' ? EXIT.terminated : EXIT.interrupted);
    }
    received = signal;
    cancel(signal === 'SIGTERM' ? 'terminated' : 'interrupted');
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  return {
    get received() {
      return received;
    },
    stop() {
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    },
  };
}
