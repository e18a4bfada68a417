import type { BullmqCarrier, BullmqCarrierOptions } from '@stratagem/bullmq';
import { isServer, schemeOf } from '../options/journal-place.js';
import { toUsageError } from '../options/to-usage-error.js';
import { UsageError } from '../options/usage-error.js';
import { SERVERS } from './open-server.js';
import { optionalPackage } from './optional-package.js';

type Bullmq = typeof import('@stratagem/bullmq');

/** @throws {UsageError} when the package is not installed. */
export function loadBullmq(): Promise<Bullmq> {
  return optionalPackage('@stratagem/bullmq', '--engine', () => import('@stratagem/bullmq'));
}

/** @throws {UsageError} unless it is the URL of a server that can be an engine. */
export function checkEngine(engine: string): void {
  const scheme = isServer(engine) ? schemeOf(engine) : undefined;
  if (/^(postgres(ql)?|rediss?|valkeys?)$/.test(scheme ?? '')) return;
  const shown = scheme === undefined ? engine : `${scheme}://`;
  throw new UsageError(`--engine cannot use ${shown}. It takes ${SERVERS}`);
}

/**
 * Connects to an engine while `use` needs it.
 *
 * @throws {UsageError} when the server cannot be used.
 */
export async function withCarrier<Result>(
  engine: string,
  options: Pick<BullmqCarrierOptions, 'onError' | 'resources'>,
  use: (carrier: BullmqCarrier) => Promise<Result>,
): Promise<Result> {
  checkEngine(engine);
  const { bullmqCarrier } = await loadBullmq();
  const carrier = await usable(() => bullmqCarrier({ url: engine, ...options }));
  try {
    await usable(() => carrier.ready());
    return await use(carrier);
  } finally {
    await carrier.close();
  }
}

/** The result of a step; its error is one of usage: a wrong URL, or a server that does not run. */
export async function usable<Result>(step: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await step();
  } catch (error) {
    throw toUsageError(error);
  }
}
