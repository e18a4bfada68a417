import type { RunQueue, SharedLimits } from '@stratagem/core/journal';
import { schemeOf } from '../options/journal-place.js';
import { optionErrorToUsageError } from '../options/to-usage-error.js';
import { UsageError } from '../options/usage-error.js';
import { optionalPackage } from './optional-package.js';

/** A kind of server that keeps runs, queues them, and shares limits. */
interface Store {
  journal(url: string): RunQueue;
  limits(url: string): SharedLimits;
}

/** By the scheme of a URL. */
const STORES: Readonly<Record<string, () => Promise<Store>>> = {
  postgres: loadPostgres,
  postgresql: loadPostgres,
  redis: loadRedis,
  rediss: loadRedis,
  'redis+unix': loadRedis,
  valkey: loadRedis,
  valkeys: loadRedis,
};

/** What `--journal` takes beside a directory. */
export const SERVERS = 'postgres://user@host/database or redis://host:6379';

/**
 * The journal on a server. Every journal on a server is a queue.
 *
 * @throws {UsageError} when the URL is wrong, or the package of its server is not installed.
 */
export async function openServerJournal(url: string): Promise<RunQueue> {
  const store = await storeOf(url);
  return withUsageErrors(() => store.journal(url));
}

/** Limits that all processes with this server share. */
export async function openSharedLimits(url: string): Promise<SharedLimits> {
  const store = await storeOf(url);
  return withUsageErrors(() => store.limits(url));
}

async function storeOf(url: string): Promise<Store> {
  const scheme = schemeOf(url) ?? '';
  const load = Object.hasOwn(STORES, scheme) ? STORES[scheme] : undefined;
  if (load !== undefined) return load();
  throw new UsageError(`--journal cannot use ${scheme}://. It takes ${SERVERS}, or a directory`);
}

async function loadPostgres(): Promise<Store> {
  const { postgresJournal, postgresLimits } = await optionalPackage(
    '@stratagem/postgres',
    'postgres://…',
    () => import('@stratagem/postgres'),
  );
  return { journal: (url) => postgresJournal({ url }), limits: (url) => postgresLimits({ url }) };
}

async function loadRedis(): Promise<Store> {
  const { redisJournal, redisLimits } = await optionalPackage(
    '@stratagem/redis',
    'redis://…',
    () => import('@stratagem/redis'),
  );
  return { journal: (url) => redisJournal({ url }), limits: (url) => redisLimits({ url }) };
}

function withUsageErrors<Result>(open: () => Result): Result {
  try {
    return open();
  } catch (error) {
    throw optionErrorToUsageError(error);
  }
}
