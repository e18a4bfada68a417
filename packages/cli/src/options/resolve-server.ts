import type { ServerModel } from '@stratagem/simulation';
import type { ServerName } from './choices.js';
import { UsageError } from './usage-error.js';

export interface ServerFlags {
  readonly server?: ServerName;
  readonly capacity?: number;
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
}

/** Servers whose behaviour changes at a number of concurrent requests. */
const WITH_CAPACITY: readonly ServerName[] = [
  'knee',
  'cpu-bound',
  'overload-503',
  'overload-429',
  'overload-silent',
];

/** The server model of the command line; fixed latency by default. */
export async function resolveServer(flags: ServerFlags): Promise<ServerModel> {
  const { server = 'fixed', capacity, requestsPerMinute, tokensPerMinute } = flags;
  const takesCapacity = WITH_CAPACITY.includes(server);
  if (!takesCapacity && capacity !== undefined) {
    throw new UsageError(`--capacity has no effect with --server ${server}: remove it`);
  }
  if (takesCapacity) {
    for (const option of ['requestsPerMinute', 'tokensPerMinute'] as const) {
      if (flags[option] === undefined) continue;
      const name = option === 'requestsPerMinute' ? '--requests-per-minute' : '--tokens-per-minute';
      throw new UsageError(`${name} has no effect with --server ${server}: remove it`);
    }
    if (capacity === undefined) {
      throw new UsageError(
        `--server ${server} needs --capacity: the number of requests it handles well`,
      );
    }
  }
  const models = await import('@stratagem/simulation');
  if (takesCapacity) return withCapacity(models, server, capacity as number);
  const sigma = server === 'lognormal' ? 1 : 0;
  if (requestsPerMinute !== undefined || tokensPerMinute !== undefined) {
    return models.rateLimited({
      ...(requestsPerMinute !== undefined && { requestsPerMinute }),
      ...(tokensPerMinute !== undefined && { tokensPerMinute }),
      sigma,
    });
  }
  return sigma === 0 ? models.fixedLatency() : models.lognormalLatency({ sigma });
}

function withCapacity(
  { concurrencyKnee, cpuBound, overload }: typeof import('@stratagem/simulation'),
  server: ServerName,
  capacity: number,
): ServerModel {
  switch (server) {
    case 'knee':
      return concurrencyKnee({ knee: capacity });
    case 'cpu-bound':
      return cpuBound({ cores: capacity });
    case 'overload-503':
      return overload({ capacity, kind: 'server_error' });
    case 'overload-429':
      return overload({ capacity, kind: 'rate_limited' });
    default:
      return overload({ capacity, kind: 'timeout' });
  }
}
