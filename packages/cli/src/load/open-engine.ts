import type { BullmqCarrier } from '@stratagem/bullmq';
import type { SharedLimits } from '@stratagem/core/journal';
import { isServer, schemeOf } from '../options/journal-place.js';
import { toUsageError } from '../options/to-usage-error.js';
import { UsageError } from '../options/usage-error.js';

type Bullmq = typeof import('@stratagem/bullmq');

/** @throws {UsageError} when the package is not installed: most users need none. */
export async function loadBullmq(): Promise<Bullmq> {
  try {
    return await import('@stratagem/bullmq');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    const message =
      '--engine needs the package @stratagem/bullmq. Install it where the command line is: npm install @stratagem/bullmq';
    throw new UsageError(message, { cause: error });
  }
}

/** @throws {UsageError} unless it is the URL of a server that can be an engine. */
export function checkEngine(engine: string): void {
  const scheme = isServer(engine) ? schemeOf(engine) : undefined;
  if (/^(postgres(ql)?|rediss?|valkeys?)$/.test(scheme ?? '')) return;
  const shown = scheme === undefined ? engine : `${scheme}://`;
  throw new UsageError(
    `--engine cannot use ${shown}. It takes postgres://user@host/database or redis://host:6379`,
  );
}

/**
 * Connects to an engine while `use` needs it.
 *
 * @throws {UsageError} when the server cannot be used.
 */
export async function withCarrier<Result>(
  engine: string,
  onError: (error: Error) => void,
  use: (carrier: BullmqCarrier) => Promise<Result>,
): Promise<Result> {
  checkEngine(engine);
  const { bullmqCarrier } = await loadBullmq();
  const carrier = await usable(() => bullmqCarrier({ url: engine, onError }));
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

/** Limits that all workers of an engine share. */
export async function sharedLimitsOf(engine: string): Promise<SharedLimits> {
  if (schemeOf(engine)?.startsWith('postgres')) {
    const { loadPostgres } = await import('./open-journal.js');
    const { postgresLimits } = await loadPostgres();
    return postgresLimits({ url: engine });
  }
  throw new UsageError(
    'rate limits over several workers need an engine on PostgreSQL: leave --requests-per-minute and --tokens-per-minute out, or give the runner a limit of its own',
  );
}
