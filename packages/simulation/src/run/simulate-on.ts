import { OptionError, type Plan, type PlanResult, type Task } from '@stratagem/core';
import { checkLimit, checkOptions } from '@stratagem/core/runner';
import { type SimulateOptions, simulate } from '@stratagem/core/simulate';
import type { Demand, ServerModel } from '../servers/server.js';
import { simulatedServer } from './adapter.js';

export interface SimulateOnOptions extends Omit<SimulateOptions, 'server' | 'resourceOf'> {
  /** The model of the server that gets the requests. */
  readonly server: ServerModel;
  /**
   * Returns the demand of a task on the server.
   * @default the task's `estimate`, else a second and 1,000 tokens
   */
  readonly demandOf?: ((task: Task) => Demand) | undefined;
  /**
   * Returns the output of a task, for plans that depend on outputs.
   * @default no output
   */
  readonly outputOf?: ((task: Task) => unknown) | undefined;
  /**
   * The number of tokens per chunk of a streamed response, at least 1. Chunks are `task_output` events,
   * which strategies can observe.
   * @default responses come in one piece
   */
  readonly tokensPerChunk?: number | undefined;
  /**
   * The seed of latencies and retry delays; the same seed gives the same run.
   * @default 0
   */
  readonly seed?: number | undefined;
}

const DEFAULT_WORK_MS = 1_000;
const DEFAULT_TOKENS = 1_000;

/**
 * Runs a plan against a server model in virtual time, with the real kernel and a real strategy. The
 * server may slow down, refuse or lose requests.
 *
 * @throws {PlanError} when the plan is invalid.
 * @throws {OptionError} when an option is unknown or invalid.
 * @throws {RangeError} when an attempt or a human answer never ends and has no timeout.
 *
 * @example
 * const server = rateLimited({ requestsPerMinute: 60 });
 * const { metrics } = simulateOn(plan, { server, strategy: parallel({ maxParallel: 8 }) });
 */
export function simulateOn<Outputs = Record<string, unknown>>(
  plan: Plan<Outputs>,
  options: SimulateOnOptions,
): PlanResult<Outputs> {
  checkOptions('simulateOn()', options, SIMULATE_ON_OPTIONS);
  const { server: model, demandOf = estimatedDemand, outputOf, tokensPerChunk, ...rest } = options;
  if (typeof model?.begin !== 'function') {
    throw new OptionError('simulateOn() needs a server model, such as fixedLatency()');
  }
  if (tokensPerChunk !== undefined) checkLimit('simulateOn()', 'tokensPerChunk', tokensPerChunk);
  const taskModel = {
    demandOf,
    outputOf,
    tokensPerChunk: tokensPerChunk ?? Number.POSITIVE_INFINITY,
  };
  const { resourceOf } = model;
  return simulate(plan, {
    ...rest,
    server: simulatedServer(model.begin(rest.seed ?? 0), taskModel),
    ...(resourceOf && { resourceOf }),
  });
}

export const SIMULATE_ON_OPTIONS: readonly (keyof SimulateOnOptions)[] = [
  'server',
  'demandOf',
  'outputOf',
  'tokensPerChunk',
  'strategy',
  'maxParallel',
  'resources',
  'failFast',
  'deadlineMs',
  'timeoutMs',
  'idleTimeoutMs',
  'retry',
  'budget',
  'prices',
  'maxDepth',
  'seed',
  'attempt',
  'answer',
  'actions',
  'inputs',
];

/** The demand of a task according to its estimate, with a quarter of the tokens as output. */
function estimatedDemand({ estimate }: Task): Demand {
  const { durationMs: workMs = DEFAULT_WORK_MS, tokens = DEFAULT_TOKENS } = estimate ?? {};
  const outputTokens = Math.round(tokens / 4);
  return { workMs, inputTokens: tokens - outputTokens, outputTokens };
}
