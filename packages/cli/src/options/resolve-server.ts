import { isStratagemError } from '@stratagem/core';
import type { ServerModel } from '@stratagem/simulation';
import { findRun } from '../load/find-run.js';
import { withJournal } from '../load/open-journal.js';
import { readEvents } from '../load/read-events.js';
import { recordedJournal } from '../settings/apply-settings.js';
import type { Settings } from '../settings/settings.js';
import type { ServerName } from './choices.js';
import { UsageError } from './usage-error.js';

export interface ServerFlags {
  readonly server?: ServerName;
  readonly capacity?: number;
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  /** The id of a recorded run, or its start. */
  readonly from?: string;
  readonly journal?: string;
}

/** Servers whose behaviour changes at a number of concurrent requests. */
const WITH_CAPACITY: readonly ServerName[] = [
  'knee',
  'cpu-bound',
  'overload-503',
  'overload-429',
  'overload-silent',
];

/** Options that describe a server, which a recorded run does instead. */
const DESCRIPTIONS = [
  ['server', '--server'],
  ['capacity', '--capacity'],
  ['requestsPerMinute', '--requests-per-minute'],
  ['tokensPerMinute', '--tokens-per-minute'],
  ['latency', '--latency'],
  ['tokens', '--tokens'],
] as const;

type Descriptions = { readonly [Name in (typeof DESCRIPTIONS)[number][0]]?: unknown };

/** The server model of the command line; fixed latency by default. */
export async function resolveServer(
  flags: ServerFlags & Descriptions,
  settings: Settings,
): Promise<ServerModel> {
  if (flags.from !== undefined) return recordedServer(flags.from, flags, settings);
  if (flags.journal !== undefined) {
    throw new UsageError('--journal has no effect without --from: remove it');
  }
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

/** @throws {UsageError} for an option that would have no effect, or a run without an answer. */
async function recordedServer(
  idOrPrefix: string,
  flags: ServerFlags & Descriptions,
  settings: Settings,
): Promise<ServerModel> {
  for (const [name, option] of DESCRIPTIONS) {
    if (flags[name] === undefined) continue;
    throw new UsageError(`${option} has no effect with --from: the recorded run is the server`);
  }
  const { journal: directory } = recordedJournal(flags.journal, settings);
  const { id, events } = await withJournal(directory, async (journal) => {
    const { id } = await findRun(journal, idOrPrefix);
    const { events } = await readEvents(journal, id);
    return { id, events };
  });
  const { recordedRun } = await import('@stratagem/simulation');
  try {
    return recordedRun(events);
  } catch (error) {
    const isEmpty = isStratagemError(error) && error.code === 'invalid_option';
    if (!isEmpty) throw error;
    throw new UsageError(`run "${id}" has no answer of a server: nothing can be forecast from it`, {
      cause: error,
    });
  }
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
