import { checkOptions } from '@stratagem/core/runner';
import { checkNumber, type SpreadOption } from '../util/check-number.js';
import { QueueingServer } from './queueing-server.js';
import type { ServerModel } from './server.js';

/**
 * Each request takes the time of its task, for any number of requests in flight.
 *
 * @example
 * whatIf(plan, { server: fixedLatency(), strategy: parallel, maxParallel: [4, 8, 16] });
 */
export function fixedLatency(): ServerModel {
  return {
    name: 'fixed latency',
    begin: (seed) => new QueueingServer({ seed, sigma: 0 }),
  };
}

/**
 * Latencies like those of real models: most near the median, some far above it.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * lognormalLatency({ sigma: 0.5 }); // one request in ten takes more than 1.9 times the median
 */
export function lognormalLatency(options: SpreadOption = {}): ServerModel {
  checkOptions('lognormalLatency()', options, ['sigma']);
  const { sigma = 1 } = options;
  checkNumber('lognormalLatency()', 'sigma', sigma);
  return {
    name: `lognormal latency, sigma ${sigma}`,
    begin: (seed) => new QueueingServer({ seed, sigma }),
  };
}
