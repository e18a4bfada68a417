import {
  InputsError,
  isStratagemError,
  type Plan,
  type PlanInputRecord,
  type Strategy,
  type Task,
} from '@stratagem/core';
import type { StrategySpec } from '@stratagem/core/document';
import { writtenTasksOf } from '@stratagem/core/kernel';
import type { Demand, FilledPlan, WhatIfRow } from '@stratagem/simulation';
import { loadInputs } from '../load/load-inputs.js';
import { loadOptions, loadPlan } from '../load/load-plan.js';
import { filesRead } from '../load/read-files.js';
import type { OutputFlags } from '../options/page-flags.js';
import { resolveStrategy } from '../options/resolve-options.js';
import { resolveServer, type ServerFlags } from '../options/resolve-server.js';
import {
  filesOf,
  type InputFlags,
  type ModuleFlags,
  type StrategyFlags,
} from '../options/run-flags.js';
import { toUsageError } from '../options/to-usage-error.js';
import { UsageError } from '../options/usage-error.js';
import { EXIT } from '../output/exit-code.js';
import { jsonText } from '../output/json-text.js';
import { checkOutput, printResult } from '../output/result-file.js';
import { simulationReport } from '../output/simulation-report.js';
import type { Settings } from '../settings/settings.js';

export interface SimulateFlags extends ServerFlags, OutputFlags, ModuleFlags, InputFlags {
  readonly strategy?: StrategyFlags['strategy'];
  readonly maxParallel?: readonly number[];
  readonly latency?: number;
  readonly tokens?: number;
  readonly items?: number;
  readonly iterations?: number;
  readonly retries?: number;
  readonly timeout?: number;
  readonly seed?: number;
  readonly runs?: number;
  readonly json?: boolean;
}

const DEFAULT_LIMITS = [1, 2, 4, 8, 16];
const LATENCY_MS = 1_000;
const TOKENS = 1_000;
/** Practically unlimited: after so many failures, the server is overloaded for good. */
const MAX_ATTEMPTS = 1_000;
/** The simulations of each limit in a forecast. */
const FORECAST_RUNS = 100;

/** `stratagem simulate PLAN` */
export async function simulateCommand(
  file: string,
  flags: SimulateFlags,
  settings: Settings,
): Promise<number> {
  const { planInFile, spec, server, assumptions, run } = await prepareSimulation(
    file,
    flags,
    settings,
  );
  const strategies = await strategiesByLimit(flags, spec);
  const rows = Array.from(strategies, ([limit, strategy]) => run(limit, strategy));
  const [strategy] = strategies.values();
  const document = {
    goal: planInFile.goal,
    strategy: (strategy as Strategy).name,
    server,
    seed: flags.seed ?? 0,
    assumptions: assumptions(rows),
    rows,
  };
  const text = flags.json ? `${jsonText(document)}\n` : simulationReport(document, planInFile);
  await printResult(text, flags);
  return EXIT.completed;
}

/** Loads a plan for simulations; `run` simulates it once. */
export async function prepareSimulation(file: string, flags: SimulateFlags, settings: Settings) {
  const server = await resolveServer(flags, settings);
  const loaded = await loadPlan(file, loadOptions(flags, settings));
  await checkOutput(flags, [...filesRead(loaded, settings), ...filesOf(flags)]);
  const { plan: planInFile, strategy: spec } = loaded;
  checkEffects(planInFile, flags);
  const inputs = await loadInputs(planInFile, flags);
  const { whatIf } = await import('@stratagem/simulation');
  await checkInputs(planInFile, inputs);
  const { plan, assumptions } = await filledPlan(
    withDurations(limitAttempts(planInFile, flags), flags),
    flags,
    { ...defaultsOf(planInFile), ...inputs },
  );
  const run = (maxParallel: number, strategy: Strategy): WhatIfRow => {
    const [row] = requireTimeout(() =>
      whatIf(withTimeout(plan, flags.timeout), {
        ...{ server, seed: flags.seed ?? 0 },
        runs: flags.runs ?? (flags.from === undefined ? 1 : FORECAST_RUNS),
        // A task that fails despite unlimited retries means that the others would fail, too.
        failFast: !limitsRetries(planInFile, flags),
        maxParallel: [maxParallel],
        strategy: () => strategy,
        demandOf: (task) => demandOf(task, flags),
        ...(inputs !== undefined && { inputs }),
      }),
    );
    return row as WhatIfRow;
  };
  return {
    planInFile,
    spec,
    server: server.name,
    assumptions: (rows: readonly WhatIfRow[]) => [
      ...assumptions,
      ...describeDefaults(planInFile, flags, rows),
    ],
    run,
  };
}

/** @throws {UsageError} for a flag that would have no effect. */
function checkEffects(plan: Plan, flags: SimulateFlags) {
  const { latency, tokens, tokensPerMinute, items, iterations } = flags;
  if (latency !== undefined && every(plan, ({ estimate }) => estimate?.durationMs !== undefined)) {
    throw new UsageError(
      '--latency has no effect: every task has an estimated duration; remove it',
    );
  }
  if (tokens !== undefined && tokensPerMinute === undefined) {
    throw new UsageError('--tokens has no effect without --tokens-per-minute: remove it');
  }
  if (tokens !== undefined && every(plan, ({ estimate }) => estimate?.tokens !== undefined)) {
    throw new UsageError(
      '--tokens has no effect: every task has an estimated token usage; remove it',
    );
  }
  if (items !== undefined && every(plan, ({ forEach }) => forEach === undefined)) {
    throw new UsageError('--items has no effect: no task has a forEach; remove it');
  }
  if (iterations !== undefined && every(plan, ({ repeat }) => repeat === undefined)) {
    throw new UsageError('--iterations has no effect: no task has a repeat; remove it');
  }
}

function every({ tasks }: Pick<Plan, 'tasks'>, holds: (task: Task) => boolean): boolean {
  return tasks.every((task) => holds(task) && every(writtenTasksOf(task), holds));
}

async function filledPlan(
  plan: Plan,
  { items, iterations }: SimulateFlags,
  inputs: Readonly<Record<string, unknown>>,
): Promise<FilledPlan> {
  const { fillEstimates } = await import('@stratagem/simulation');
  if (items !== undefined && isKnown(() => fillEstimates(plan, { iterations, inputs }))) {
    throw new UsageError('--items has no effect: the inputs have all lists; remove it');
  }
  try {
    return fillEstimates(plan, { items, iterations, inputs });
  } catch (error) {
    if (!isStratagemError(error) || error.code !== 'invalid_option') throw error;
    throw new UsageError('the number of items of a forEach list is unknown: set it with --items', {
      cause: error,
    });
  }
}

/** The strategy for each concurrency limit, in the order of the command line. */
async function strategiesByLimit(
  { strategy, maxParallel }: SimulateFlags,
  spec: StrategySpec | undefined,
): Promise<Map<number, Strategy>> {
  const isSequential = (strategy ?? spec?.name) === 'sequential';
  const strategies = new Map<number, Strategy>();
  for (const limit of maxParallel ?? (isSequential ? [1] : DEFAULT_LIMITS)) {
    const flags = { ...(strategy !== undefined && { strategy }), maxParallel: limit };
    strategies.set(limit, await resolveStrategy(flags, spec));
  }
  return strategies;
}

/** Calls of tools and commands ask no server, so the assumed duration must be their estimate. */
function withDurations<P extends Pick<Plan, 'tasks'>>(plan: P, flags: SimulateFlags): P {
  const { latency = LATENCY_MS } = flags;
  const durationOf = (task: Task): Task => {
    const { tool, command, estimate, subtasks, plan: module } = task;
    const isLocal = (tool ?? command) !== undefined && estimate?.durationMs === undefined;
    return {
      ...task,
      ...(isLocal && { estimate: { ...estimate, durationMs: latency } }),
      ...(subtasks !== undefined && { subtasks: subtasks.map(durationOf) }),
      ...(module !== undefined && { plan: withDurations(module, flags) }),
    };
  };
  return { ...plan, tasks: plan.tasks.map(durationOf) };
}

/**
 * Checks the values before the lists among them are counted. A simulation of one task with the same inputs
 * does it as a run would.
 *
 * @throws {UsageError} with everything that is wrong.
 */
async function checkInputs(
  { goal, inputs: schema }: Plan,
  inputs: Readonly<Record<string, unknown>> | undefined,
): Promise<void> {
  if (inputs === undefined) return;
  const { fixedLatency, simulateOn } = await import('@stratagem/simulation');
  const strategy = await resolveStrategy({ strategy: 'sequential' }, undefined);
  const tasks = [{ id: 'task', description: goal }];
  const plan = { goal, tasks, ...(schema !== undefined && { inputs: schema }) };
  try {
    simulateOn(plan, { server: fixedLatency(), strategy, inputs });
  } catch (error) {
    throw error instanceof InputsError ? toUsageError(error) : error;
  }
}

function isKnown(fill: () => unknown): boolean {
  try {
    fill();
    return true;
  } catch {
    return false;
  }
}

/** A plan file declares its inputs under their names. */
function defaultsOf({ inputs }: Plan): Record<string, unknown> {
  const declared = Object.entries((inputs ?? {}) as unknown as PlanInputRecord);
  return Object.fromEntries(
    declared.flatMap(([name, input]) => ('default' in input ? [[name, input.default]] : [])),
  );
}

function limitsRetries({ retry }: Plan, { retries }: SimulateFlags): boolean {
  return (retries ?? retry?.maxAttempts) !== undefined;
}

/** Retries without a limit, unless the command line or the file sets one. */
function limitAttempts(plan: Plan, { retries }: SimulateFlags): Plan {
  const fromFile = plan.retry?.maxAttempts ?? MAX_ATTEMPTS;
  const maxAttempts = retries === undefined ? fromFile : retries + 1;
  return { ...plan, retry: { ...plan.retry, maxAttempts } };
}

/** Overrides the timeout of the plan, but not those of single tasks. */
function withTimeout(plan: Plan, timeoutMs: number | undefined): Plan {
  return timeoutMs === undefined ? plan : { ...plan, timeoutMs };
}

/** @throws {UsageError} if the simulation would never end, because nothing limits the wait. */
function requireTimeout(simulate: () => WhatIfRow[]): WhatIfRow[] {
  try {
    return simulate();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(
      'the server leaves requests unanswered, and nothing limits how long they wait: use --timeout',
      { cause: error },
    );
  }
}

function demandOf({ estimate }: Task, { latency, tokens }: SimulateFlags): Demand {
  const inputTokens = estimate?.tokens ?? tokens ?? TOKENS;
  return {
    workMs: estimate?.durationMs ?? latency ?? LATENCY_MS,
    inputTokens,
    outputTokens: 0,
  };
}

/** Describes the defaults that the simulation used. */
function describeDefaults(plan: Plan, flags: SimulateFlags, rows: readonly WhatIfRow[]): string[] {
  const { latency, tokens, tokensPerMinute } = flags;
  if (flags.from !== undefined) {
    return [
      'requests take, cost and fail as those of tasks of the same type and model in the recorded run',
      ...(rows.some(({ makespanRangeMs }) => makespanRangeMs !== undefined)
        ? ['four out of five runs are within each range']
        : []),
      ...(rows.some(({ costUsd }) => costUsd === null)
        ? ['the cost is unknown: not all attempts of the recorded run have a price']
        : []),
    ];
  }
  const lacks = (field: 'durationMs' | 'tokens') =>
    !every(plan, ({ estimate }) => estimate?.[field] !== undefined);
  return [
    ...(lacks('durationMs') ? [`tasks without an estimate take ${latency ?? LATENCY_MS} ms`] : []),
    ...(tokensPerMinute !== undefined && lacks('tokens')
      ? [`tasks without an estimate use ${tokens ?? TOKENS} tokens`]
      : []),
    ...(rows.some(({ wastedShare }) => wastedShare > 0) && !limitsRetries(plan, flags)
      ? ['attempts are retried until they succeed; --retries sets a limit']
      : []),
  ];
}
