import { checkLimit, checkOptions } from '@stratagem/core/runner';
import { checkNumber, checkPositive, type SpreadOption } from '../util/check-number.js';
import { type LimitChange, LimitChanges } from './limit-changes.js';
import { QueueingServer } from './queueing-server.js';
import type { ServerModel } from './server.js';

export interface ConcurrencyKneeOptions extends SpreadOption {
  /** The number of requests in flight up to which latency stays flat. */
  readonly knee: number;
  /**
   * Past the knee, latency grows as (in flight / knee) to this power. With 1, throughput stays
   * constant past the knee; with more, each further request costs throughput.
   * @default 1.5
   */
  readonly exponent?: number | undefined;
  /**
   * Changes of the knee during the run.
   * @default none
   */
  readonly changes?: readonly LimitChange[] | undefined;
}

/**
 * Latency is flat up to a number of requests in flight, and grows past it.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * concurrencyKnee({ knee: 16 }); // 32 in flight take 2.8 times as long each
 */
export function concurrencyKnee(options: ConcurrencyKneeOptions): ServerModel {
  const owner = 'concurrencyKnee()';
  checkOptions(owner, options, ['knee', 'exponent', 'sigma', 'changes']);
  const { knee, exponent = 1.5, sigma = 0 } = options;
  checkPositive(owner, 'knee', knee);
  checkNumber(owner, 'exponent', exponent);
  checkNumber(owner, 'sigma', sigma);
  const changes = new LimitChanges(owner, options.changes);
  const speed = (inFlight: number, now: number) =>
    Math.min(1, ((knee * changes.factorAt(now)) / inFlight) ** exponent);
  return {
    name: `knee at ${knee}`,
    begin: (seed) => new QueueingServer({ seed, sigma, speed, changes }),
  };
}

export interface CpuBoundOptions extends SpreadOption {
  /**
   * The number of requests that run at full speed; more requests share the cores.
   * @default 1
   */
  readonly cores?: number | undefined;
}

/**
 * A CPU-bound server, such as a model on your own machine. Its total throughput is constant, because
 * all requests share its cores.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * cpuBound({ cores: 8 }); // 16 in flight take twice as long each
 */
export function cpuBound(options: CpuBoundOptions = {}): ServerModel {
  const owner = 'cpuBound()';
  checkOptions(owner, options, ['cores', 'sigma']);
  const { cores = 1, sigma = 0 } = options;
  checkLimit(owner, 'cores', cores);
  checkNumber(owner, 'sigma', sigma);
  return {
    name: `CPU-bound, ${cores} cores`,
    begin: (seed) =>
      new QueueingServer({ seed, sigma, speed: (inFlight) => Math.min(1, cores / inFlight) }),
  };
}
