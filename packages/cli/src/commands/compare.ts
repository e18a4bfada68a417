import type { Plan, PlanResult, RunHandle, Strategy, Task } from '@stratagem/core';
import type { StrategySpec } from '@stratagem/core/document';
import { writtenTasksOf } from '@stratagem/core/kernel';
import { loadInputs } from '../load/load-inputs.js';
import { type LoadedPlan, loadOptions, loadPlan } from '../load/load-plan.js';
import { filesRead } from '../load/read-files.js';
import { resolveStrategy } from '../options/resolve-options.js';
import type { RunFlags, StrategyFlags } from '../options/run-flags.js';
import { filesOf } from '../options/run-flags.js';
import { UsageError } from '../options/usage-error.js';
import {
  type Comparison,
  type ComparisonRow,
  comparisonReport,
} from '../output/comparison-report.js';
import { EXIT } from '../output/exit-code.js';
import { jsonText } from '../output/json-text.js';
import { checkOutput, printResult } from '../output/result-file.js';
import { write } from '../output/streams.js';
import { toRunOptions, withRetries } from '../run/run-options.js';
import { signalExitCode, stopOnSignals } from '../run/signals.js';
import { withExecutor } from '../run/with-executor.js';
import { withSettings } from '../settings/apply-settings.js';
import type { Settings } from '../settings/settings.js';
import { prepareSimulation, type SimulateFlags } from './simulate.js';

export interface CompareFlags
  extends Omit<SimulateFlags, 'strategy'>,
    Pick<RunFlags, 'runner' | 'model' | 'baseUrl'> {}

const DEFAULT_LIMITS = [2, 4, 8];
/** Options that only mean something to a simulation. */
const SIMULATION_ONLY = [
  ['server', '--server'],
  ['capacity', '--capacity'],
  ['tokens', '--tokens'],
  ['items', '--items'],
  ['iterations', '--iterations'],
  ['timeout', '--timeout'],
  ['requestsPerMinute', '--requests-per-minute'],
  ['tokensPerMinute', '--tokens-per-minute'],
] as const;

interface Way {
  readonly strategy: Strategy;
  readonly flags: StrategyFlags;
  readonly maxParallel: number;
}

/** `stratagem compare PLAN` */
export async function compareCommand(
  file: string,
  flags: CompareFlags,
  settings: Settings,
): Promise<number> {
  // A runner in the settings is not used: a comparison calls a model only on request.
  const compare = flags.runner === undefined ? compareSimulated : compareForReal;
  return compare(file, flags, settings);
}

/** One task at a time, in parallel with each limit, and adaptive. */
async function waysOf(
  { maxParallel = DEFAULT_LIMITS }: CompareFlags,
  spec: StrategySpec | undefined,
): Promise<Way[]> {
  const all: StrategyFlags[] = [
    { strategy: 'sequential' },
    ...maxParallel.map((limit) => ({ strategy: 'parallel' as const, maxParallel: limit })),
    { strategy: 'adaptive' },
  ];
  return Promise.all(
    all.map(async (flags) => {
      const strategy = await resolveStrategy(flags, spec);
      return { strategy, flags, maxParallel: flags.maxParallel ?? strategy.maxParallel ?? 1 };
    }),
  );
}

async function compareSimulated(
  file: string,
  flags: CompareFlags,
  settings: Settings,
): Promise<number> {
  for (const name of ['model', 'baseUrl'] as const) {
    if (flags[name] === undefined) continue;
    const option = name === 'model' ? '--model' : '--base-url';
    throw new UsageError(`${option} has no effect without --runner: remove it`);
  }
  const simulation = await prepareSimulation(file, flags, settings);
  const { planInFile, spec, server, assumptions, run } = simulation;
  const ways = await waysOf(flags, spec);
  const results = ways.map(({ strategy, maxParallel }) => run(maxParallel, strategy));
  const rows = results.map((row, position): ComparisonRow => {
    const { strategy, maxParallel } = ways[position] as Way;
    const { status, makespanMs, completedTasks, peakConcurrency } = row;
    return {
      ...{ strategy: strategy.name, maxParallel, status, durationMs: makespanMs },
      ...{ completedTasks, peakConcurrency, costUsd: null },
    };
  });
  const on = `simulated in virtual time: ${server}`;
  await print({ goal: planInFile.goal, on, assumptions: assumptions(results), rows }, flags);
  return EXIT.completed;
}

/** Runs the plan once for each way, one after the other. */
async function compareForReal(
  file: string,
  given: CompareFlags,
  settings: Settings,
): Promise<number> {
  for (const [name, option] of SIMULATION_ONLY) {
    if (given[name] === undefined) continue;
    throw new UsageError(`${option} has no effect with --runner: it is for simulations; remove it`);
  }
  const loaded = await loadPlan(file, loadOptions(given, settings));
  await checkOutput(given, [...filesRead(loaded, settings), ...filesOf(given)]);
  const flags = withoutLimits(given, settings, loaded);
  const plan = withRetries(loaded.plan, flags.retries);
  refuseQuestions(plan.tasks);
  const rows: ComparisonRow[] = [];
  let run: RunHandle | undefined;
  const signals = stopOnSignals((reason) => run?.cancel(reason));
  try {
    for (const way of await waysOf(flags, loaded.strategy)) {
      if (signals.received !== undefined) break;
      const { strategy, maxParallel } = way;
      await write(process.stderr, `Running ${strategy.name}, limit ${maxParallel} …\n`);
      const result = await runOnce(
        plan,
        { ...flags, ...way.flags, maxParallel: way.flags.maxParallel },
        loaded,
        (handle) => {
          run = handle;
        },
      );
      if (result.status !== 'canceled') rows.push(rowOf(result, strategy.name, maxParallel));
    }
  } finally {
    signals.stop();
  }
  const on = `run for real: ${flags.runner}${flags.model === undefined ? '' : ` ${flags.model}`}`;
  await print({ goal: plan.goal, on, assumptions: [], rows }, flags);
  if (signals.received !== undefined) return signalExitCode(signals.received);
  return rows.every(({ status }) => status === 'completed') ? EXIT.completed : EXIT.failed;
}

/** The ways set their own strategy and limit. */
function withoutLimits(given: CompareFlags, settings: Settings, loaded: LoadedPlan): CompareFlags {
  const { maxParallel, ...others } = given;
  const { strategy: _, maxParallel: __, ...rest } = settings;
  return { ...withSettings(others, rest, loaded), ...(maxParallel && { maxParallel }) };
}

async function runOnce(
  plan: Plan,
  flags: Omit<CompareFlags, 'maxParallel'> & StrategyFlags,
  loaded: LoadedPlan,
  onStart: (run: RunHandle) => void,
): Promise<PlanResult> {
  const { maxParallel, ...others } = flags;
  const given = { ...others, ...(maxParallel !== undefined && { maxParallel }) };
  return withExecutor(given, loaded, undefined, async (executor) => {
    const inputs = await loadInputs(plan, flags);
    const options = { ...(await toRunOptions(given)), ...(inputs !== undefined && { inputs }) };
    const run = executor.execute(plan, options);
    onStart(run);
    return await run;
  });
}

function rowOf({ status, metrics }: PlanResult, strategy: string, maxParallel: number) {
  const { executionTimeMs: durationMs, completedTasks, peakConcurrency, costUsd } = metrics;
  return { strategy, maxParallel, status, durationMs, completedTasks, peakConcurrency, costUsd };
}

/** @throws {UsageError} for a plan that asks people, which would be measured instead. */
function refuseQuestions(tasks: readonly Task[]): void {
  for (const task of tasks) {
    const { id, waitFor } = task;
    if (waitFor !== undefined) {
      throw new UsageError(
        `task "${id}" waits for a human, whose time would be compared; leave out --runner to simulate it`,
      );
    }
    refuseQuestions(writtenTasksOf(task).tasks);
  }
}

async function print(comparison: Comparison, flags: CompareFlags): Promise<void> {
  const text = flags.json
    ? `${jsonText(comparison)}\n`
    : comparisonReport(comparison, process.stdout);
  await printResult(text, flags);
}
