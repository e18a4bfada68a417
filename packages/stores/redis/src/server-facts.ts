import { JournalError } from '@stratagem/core';
import type { Redis } from 'ioredis';
import type { RedisDurability } from './options.js';

/** What the server says about itself. */
export interface ServerFacts {
  readonly version: string;
  /** Changes with each start of the server; undefined where it is not told. */
  readonly runId: string | undefined;
  readonly hasAof: boolean;
  /** `always`, `everysec` or `no`; undefined where the configuration may not be read. */
  readonly appendFsync: string | undefined;
  readonly maxmemoryPolicy: string | undefined;
}

/** When the server has answered to a write, or when `WAITAOF` has said that it is on the disk. */
export type Acknowledgement = 'reply' | 'waitaof';

const MIN_VERSION = [7, 0];
/** Redis of this version, and each Valkey, has `WAITAOF`. */
const WAITAOF_VERSION = [7, 2];

export async function readServerFacts(client: Pick<Redis, 'info' | 'call'>): Promise<ServerFacts> {
  const info = await client.info();
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
  return {
    version: field('redis_version') ?? '0',
    runId: field('run_id'),
    hasAof: field('aof_enabled') === '1',
    appendFsync: await appendFsyncOf(client),
    maxmemoryPolicy: field('maxmemory_policy'),
  };
}

/** Many providers of servers keep their users from reading the configuration. */
async function appendFsyncOf(client: Pick<Redis, 'call'>): Promise<string | undefined> {
  try {
    const answer = (await client.call('CONFIG', 'GET', 'appendfsync')) as readonly string[];
    return answer[1];
  } catch (error) {
    if (/^(NOPERM|ERR)/.test((error as Error).message)) return undefined;
    throw error;
  }
}

/** @throws {JournalError} when the server is too old. */
export function requireVersion({ version }: ServerFacts): void {
  if (isAtLeast(version, MIN_VERSION)) return;
  const message = `@stratagem/redis needs Redis 7 or newer, or Valkey; the server has ${version}`;
  throw new JournalError('journal_failed', message);
}

/**
 * How to know that a write is as durable as wanted.
 *
 * @throws {JournalError} when the server cannot keep that.
 */
export function acknowledgementOf(
  facts: ServerFacts,
  wanted: RedisDurability,
  place: string,
): Acknowledgement {
  const { version, hasAof, appendFsync, maxmemoryPolicy = '' } = facts;
  const refuse = (message: string) => new JournalError('journal_failed', message);
  if (maxmemoryPolicy.startsWith('allkeys-')) {
    throw refuse(
      `Redis at ${place} deletes keys when its memory is full (maxmemory-policy ${maxmemoryPolicy}), also recorded runs: set "maxmemory-policy noeviction"`,
    );
  }
  if (wanted === 'memory') return 'reply';
  if (!hasAof) {
    throw refuse(
      `Redis at ${place} keeps no append-only file, so that a restart would lose recorded runs: set "appendonly yes" and "appendfsync always", or accept the loss with durability: 'memory' (in a URL ?durability=memory)`,
    );
  }
  if (appendFsync === 'no') {
    throw refuse(
      `Redis at ${place} has "appendfsync no", so that a crash of its machine would lose recorded events: set "appendfsync always", or accept the loss with durability: 'memory' (in a URL ?durability=memory)`,
    );
  }
  if (wanted === 'everysec' || appendFsync === 'always') return 'reply';
  if (isAtLeast(version, WAITAOF_VERSION)) return 'waitaof';
  const setting =
    appendFsync === undefined ? 'an unknown appendfsync' : `"appendfsync ${appendFsync}"`;
  throw refuse(
    `Redis ${version} at ${place} has ${setting}, so that a crash would lose events of its last seconds: set "appendfsync always", update to Redis 7.2 or Valkey, or accept the loss with durability: 'everysec' (in a URL ?durability=everysec)`,
  );
}

/** What the operator of a server should know about it; undefined when there is nothing. */
export function noticeAbout(
  { appendFsync }: ServerFacts,
  acknowledgement: Acknowledgement,
  place: string,
): string | undefined {
  if (acknowledgement !== 'waitaof' || appendFsync !== 'everysec') return undefined;
  return `Redis at ${place} has "appendfsync everysec": each step of a run waits up to a second until it is on the disk. Set "appendfsync always" to make runs faster`;
}

function isAtLeast(version: string, [major = 0, minor = 0]: readonly number[]): boolean {
  const [actual = 0, actualMinor = 0] = version.split('.').map(Number);
  return actual > major || (actual === major && actualMinor >= minor);
}
