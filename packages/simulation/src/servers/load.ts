import { checkLimit, checkOptions } from '@stratagem/core';
import { type Change, Changes } from '../changes.js';
import { checkNumber, checkPositive, type SpreadOption } from '../options.js';
import type { ServerModel } from '../server.js';
import { Station } from '../station.js';

export interface ConcurrencyKneeOptions extends SpreadOption {
  /** Up to so many requests in flight, none slows another down. */
  readonly knee: number;
  /**
   * How latency grows past it: as (in flight / knee) to this power. At 1 the throughput stays what
   * it was at the knee; above, each request more costs throughput.
   * @default 1.5
   */
  readonly exponent?: number;
  /**
   * How the knee moves while the run goes on.
   * @default it stays
   */
  readonly changes?: readonly Change[];
}

/**
 * Latency stays flat up to a number of requests in flight, and grows past it.
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
  const changes = new Changes(owner, options.changes);
  const speed = (inFlight: number, now: number) =>
    Math.min(1, ((knee * changes.factorAt(now)) / inFlight) ** exponent);
  return {
    name: `knee at ${knee}`,
    begin: (seed) => new Station({ seed, sigma, speed, changes }),
  };
}

export interface CpuBoundOptions extends SpreadOption {
  /**
   * How many requests it can work on at full speed; more share them.
   * @default 1
   */
  readonly cores?: number;
}

/**
 * A server that computes, such as a model on one's own machine: its throughput is the same however
 * many requests it shares its cores among.
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
      new Station({ seed, sigma, speed: (inFlight) => Math.min(1, cores / inFlight) }),
  };
}
