import {
  checkLimit,
  checkOptions,
  OptionError,
  type Plan,
  type PlanResult,
  type Task,
} from '@stratagem/core';
import { type SimulateOptions, simulate } from '@stratagem/core/testing';
import { type Exchange, simulatedServer } from './adapter.js';
import type { Demand, ServerModel } from './server.js';

export interface SimulateOnOptions extends Omit<SimulateOptions, 'server' | 'resourceOf'> {
  /** What the attempts are sent to. */
  readonly server: ServerModel;
  /**
   * What each task asks of the server.
   * @default what the task's `estimate` says, else a second and 1,000 tokens
   */
  readonly demandOf?: (task: Task) => Demand;
  /**
   * What each task brings, for plans whose course depends on it.
   * @default nothing
   */
  readonly outputOf?: (task: Task) => unknown;
  /**
   * Answers come in parts of so many tokens, as `task_output` events: a whole number of at least 1.
   * Strategies may hear of them.
   * @default answers come as a whole
   */
  readonly tokensPerPart?: number;
  /**
   * Another seed gives other latencies and other waits between attempts; the same seed the same run.
   * @default 0
   */
  readonly seed?: number;
}

const DEFAULT_WORK_MS = 1_000;
const DEFAULT_TOKENS = 1_000;

/**
 * Runs a plan against a server model in virtual time: the real kernel and a real strategy, and a
 * server that may slow down, refuse or lose what is sent to it.
 *
 * @throws {PlanError} when the plan cannot be run.
 * @throws {OptionError} when an option is unknown.
 * @throws {RangeError} when an attempt or an answer never ends, and nothing limits it.
 *
 * @example
 * const server = rateLimited({ requestsPerMinute: 60 });
 * const { metrics } = simulateOn(plan, { server, strategy: parallel({ maxParallel: 8 }) });
 */
export function simulateOn<Outputs = Record<string, unknown>>(
  plan: Plan<Outputs>,
  options: SimulateOnOptions,
): PlanResult<Outputs> {
  const { server: model, demandOf = estimatedDemand, outputOf, tokensPerPart, ...rest } = options;
  if (typeof model?.begin !== 'function') {
    throw new OptionError('simulateOn() needs a server: a model such as fixedLatency()');
  }
  checkOptions('simulateOn()', rest, OPTIONS);
  if (tokensPerPart !== undefined) checkLimit('simulateOn()', 'tokensPerPart', tokensPerPart);
  const exchange = { demandOf, outputOf, tokensPerPart: tokensPerPart ?? Number.POSITIVE_INFINITY };
  const { resourceOf } = model;
  return simulate(plan, {
    ...rest,
    server: simulatedServer(model.begin(rest.seed ?? 0), exchange),
    ...(resourceOf && { resourceOf }),
  });
}

const OPTIONS: readonly (keyof Omit<SimulateOnOptions, 'server' | keyof Exchange>)[] = [
  'strategy',
  'maxParallel',
  'failFast',
  'deadlineMs',
  'timeoutMs',
  'retry',
  'budget',
  'prices',
  'maxDepth',
  'seed',
  'attempt',
  'answer',
  'actions',
];

/** What a task asks of a server by its estimate: a quarter of the tokens are written. */
function estimatedDemand({ estimate }: Task): Demand {
  const { durationMs: workMs = DEFAULT_WORK_MS, tokens = DEFAULT_TOKENS } = estimate ?? {};
  const outputTokens = Math.round(tokens / 4);
  return { workMs, inputTokens: tokens - outputTokens, outputTokens };
}
