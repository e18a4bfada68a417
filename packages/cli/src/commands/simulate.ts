import { isStratagemError, type Plan, type Strategy, type Task } from '@stratagem/core';
import type { StrategySpec } from '@stratagem/core/document';
import type { Assumed, Demand, WhatIfRow } from '@stratagem/simulation';
import { loadPlan } from '../load/load-plan.js';
import { chooseStrategy, type StrategyFlags } from '../options/resolve-options.js';
import { chooseServer, type ServerFlags } from '../options/resolve-server.js';
import { EXIT, UsageError } from '../output/exit-code.js';
import { jsonText } from '../output/json-text.js';
import { simulationReport } from '../output/simulation-report.js';
import { write } from '../output/streams.js';

export interface SimulateFlags extends ServerFlags {
  readonly strategy?: StrategyFlags['strategy'];
  readonly maxParallel?: readonly number[];
  readonly latency?: number;
  readonly tokens?: number;
  readonly elements?: number;
  readonly retries?: number;
  readonly timeout?: number;
  readonly seed?: number;
  readonly json?: boolean;
}

const CAPS = [1, 2, 4, 8, 16];
const LATENCY_MS = 1_000;
const TOKENS = 1_000;
/** Often enough for what can be done; what has failed so often is on a server that it overwhelms. */
const UNTIL_DONE = 1_000;

/** `stratagem simulate` */
export async function simulateCommand(file: string, flags: SimulateFlags): Promise<number> {
  const server = await chooseServer(flags);
  const { plan: written, strategy: spec } = await loadPlan(file);
  checkEffects(written, flags);
  const { whatIf } = await import('@stratagem/simulation');
  const { plan, assumptions } = await assumed(withRetries(written, flags), flags);
  const strategies = await strategiesOf(flags, spec);
  const seed = flags.seed ?? 0;
  const rows = atOnce(() =>
    whatIf(withTimeout(plan, flags.timeout), {
      ...{ server, seed },
      // Once a task is given up that had all the time in the world, the others fare no better.
      failFast: !saysRetries(written, flags),
      maxParallel: [...strategies.keys()],
      strategy: (maxParallel) => strategies.get(maxParallel) as Strategy,
      demandOf: (task) => demandOf(task, flags),
    }),
  );
  const [strategy] = strategies.values();
  const document = {
    goal: written.goal,
    strategy: (strategy as Strategy).name,
    server: server.name,
    seed,
    assumptions: [...assumptions, ...defaultsOf(written, flags, rows)],
    rows,
  };
  await write(
    process.stdout,
    flags.json ? `${jsonText(document)}\n` : simulationReport(document, written),
  );
  return EXIT.completed;
}

/** What a user asked for must make a difference. */
function checkEffects(plan: Plan, { latency, tokens, tokensPerMinute, elements }: SimulateFlags) {
  if (latency !== undefined && every(plan, ({ estimate }) => estimate?.durationMs !== undefined)) {
    throw new UsageError(
      '--latency has no effect: every task says how long it takes; leave it out',
    );
  }
  if (tokens !== undefined && tokensPerMinute === undefined) {
    throw new UsageError('--tokens has no effect without --tokens-per-minute: leave it out');
  }
  if (tokens !== undefined && every(plan, ({ estimate }) => estimate?.tokens !== undefined)) {
    throw new UsageError('--tokens has no effect: every task says what it uses; leave it out');
  }
  if (elements !== undefined && every(plan, ({ forEach }) => forEach === undefined)) {
    throw new UsageError('--elements has no effect: no task has a forEach; leave it out');
  }
}

function every({ tasks }: Pick<Plan, 'tasks'>, holds: (task: Task) => boolean): boolean {
  return tasks.every((task) => holds(task) && every({ tasks: task.subtasks ?? [] }, holds));
}

async function assumed(plan: Plan, { elements }: SimulateFlags): Promise<Assumed> {
  const { assume } = await import('@stratagem/simulation');
  try {
    return assume(plan, elements === undefined ? {} : { elements });
  } catch (error) {
    if (!isStratagemError(error) || error.code !== 'invalid_option') throw error;
    throw new UsageError(
      'a task of this plan is done for each element of a list that is not known before: say with ' +
        '--elements how many there are',
      { cause: error },
    );
  }
}

/** The strategy for each cap, in the order asked for. */
async function strategiesOf(
  { strategy, maxParallel }: SimulateFlags,
  spec: StrategySpec | undefined,
): Promise<Map<number, Strategy>> {
  const isSequential = (strategy ?? spec?.name) === 'sequential';
  const strategies = new Map<number, Strategy>();
  for (const cap of maxParallel ?? (isSequential ? [1] : CAPS)) {
    const flags = { ...(strategy !== undefined && { strategy }), maxParallel: cap };
    strategies.set(cap, await chooseStrategy(flags, spec));
  }
  return strategies;
}

function saysRetries({ retry }: Plan, { retries }: SimulateFlags): boolean {
  return (retries ?? retry?.maxAttempts) !== undefined;
}

/** Repeats attempts until they are done, unless the command line or the file says how often. */
function withRetries(plan: Plan, { retries }: SimulateFlags): Plan {
  const fromFile = plan.retry?.maxAttempts ?? UNTIL_DONE;
  const maxAttempts = retries === undefined ? fromFile : retries + 1;
  return { ...plan, retry: { ...plan.retry, maxAttempts } };
}

/** The command line goes before the file, but not before what the file says about single tasks. */
function withTimeout(plan: Plan, timeoutMs: number | undefined): Plan {
  return timeoutMs === undefined ? plan : { ...plan, timeoutMs };
}

/** A server that answers nothing needs a limit, without which the simulation would have no end. */
function atOnce(simulate: () => WhatIfRow[]): WhatIfRow[] {
  try {
    return simulate();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(
      'the server leaves requests without an answer, and nothing limits how long they wait: give ' +
        '--timeout',
      { cause: error },
    );
  }
}

function demandOf({ estimate }: Task, { latency, tokens }: SimulateFlags): Demand {
  const used = estimate?.tokens ?? tokens ?? TOKENS;
  return {
    workMs: estimate?.durationMs ?? latency ?? LATENCY_MS,
    inputTokens: used,
    outputTokens: 0,
  };
}

/** What is taken for granted where neither the plan nor the command line says anything. */
function defaultsOf(plan: Plan, flags: SimulateFlags, rows: readonly WhatIfRow[]): string[] {
  const { latency, tokens, tokensPerMinute } = flags;
  const lacks = (field: 'durationMs' | 'tokens') =>
    !every(plan, ({ estimate }) => estimate?.[field] !== undefined);
  const which = 'a task without an estimate';
  return [
    ...(lacks('durationMs') ? [`${which} takes ${latency ?? LATENCY_MS} ms`] : []),
    ...(tokensPerMinute !== undefined && lacks('tokens')
      ? [`${which} uses ${tokens ?? TOKENS} tokens`]
      : []),
    ...(rows.some(({ wastedShare }) => wastedShare > 0) && !saysRetries(plan, flags)
      ? ['attempts are repeated until they are done; --retries says how often at most']
      : []),
  ];
}
