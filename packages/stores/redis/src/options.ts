import { OptionError } from '@stratagem/core';
import { checkOptions } from '@stratagem/core/journal';
import { checkDurations, type TlsOptions } from '@stratagem/store-kit';

/**
 * When an event counts as stored:
 *
 * - `fsync`: when it is on the disk of the server. Needs `appendfsync always`, or Redis 7.2 or Valkey,
 *   which are asked with `WAITAOF`.
 * - `everysec`: when the server has it and writes it to disk within a second or two. A crash of the
 *   server may lose that time.
 * - `memory`: when the server has it. A restart of the server may lose it.
 */
export type RedisDurability = 'fsync' | 'everysec' | 'memory';

/** How to reach the server, and which keys to use. */
export interface RedisOptions {
  /**
   * `redis://user:password@host:port/database`, or `rediss://…` for TLS (`valkey://` and `valkeys://` are
   * the same); `redis+unix:///path/of/socket` for a socket. A password that is left out comes from
   * `REDISCLI_AUTH`. The URL may end with `?prefix=…&durability=…`. In a cluster, any of its nodes.
   */
  readonly url: string;
  /** A function is called for each connection, for passwords that expire. Instead of one in the URL. */
  readonly password?: string | (() => string | Promise<string>) | undefined;
  /** How to check the certificate, for `rediss://`. */
  readonly tls?: TlsOptions | undefined;
  /**
   * The beginning of all keys, at most 100 letters, digits, `.`, `_`, `:` and `-`. Journals with
   * different prefixes have nothing in common.
   * @default 'stratagem'
   */
  readonly prefix?: string | undefined;
  /**
   * How long to try again when the connection breaks off or the server restarts, in milliseconds. Runs
   * go on afterwards. The first connection is tried once.
   * @default 30_000
   */
  readonly reconnectMs?: number | undefined;
  /**
   * How long one command may take, in milliseconds. The connection is given up when the server does not
   * answer in that time.
   * @default 30_000
   */
  readonly commandTimeoutMs?: number | undefined;
}

export interface RedisJournalOptions extends RedisOptions {
  /**
   * When an event counts as stored. A server that cannot keep this is refused.
   * @default 'fsync'
   */
  readonly durability?: RedisDurability | undefined;
  /**
   * How long the process of a run may be silent before another process may take the run over, in
   * milliseconds. A process renews its leases three times as often.
   * @default 30_000
   */
  readonly leaseMs?: number | undefined;
}

/** Where a server is. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** Of a Unix socket, instead of a host and a port. */
  readonly path?: string | undefined;
}

/** The options with every default filled in. */
export interface RedisSettings {
  readonly endpoint: Endpoint;
  readonly user: string | undefined;
  readonly password: string | (() => string | Promise<string>) | undefined;
  readonly database: number;
  readonly tls: TlsOptions | undefined;
  readonly prefix: string;
  readonly durability: RedisDurability;
  readonly reconnectMs: number;
  readonly commandTimeoutMs: number;
  readonly leaseMs: number;
}

const NAMES = ['url', 'password', 'tls', 'prefix', 'reconnectMs', 'commandTimeoutMs'];
const DURABILITIES: readonly unknown[] = ['fsync', 'everysec', 'memory'];
/** Valkey is the same. */
const SCHEME = /^(rediss?|redis\+unix|valkeys?):\/\//;

/** @throws {OptionError} when an option is unknown, missing or out of range. */
export function redisSettings(owner: string, options: RedisJournalOptions): RedisSettings {
  const isJournal = owner === 'redisJournal()';
  checkOptions(owner, options, isJournal ? [...NAMES, 'durability', 'leaseMs'] : NAMES);
  const { url, tls, reconnectMs = 30_000, commandTimeoutMs = 30_000, leaseMs = 30_000 } = options;
  const place = partsOf(owner, url);
  const query = queryOf(owner, new URL(url), isJournal);
  const { prefix = query.prefix ?? 'stratagem' } = options;
  const { durability = query.durability ?? 'fsync' } = options;
  if (typeof prefix !== 'string' || !/^[\w.:-]{1,100}$/.test(prefix)) {
    throw new OptionError(
      `${owner}: prefix must be 1 to 100 letters, digits, ".", "_", ":" and "-"`,
    );
  }
  if (!DURABILITIES.includes(durability)) {
    throw new OptionError(`${owner}: durability must be "fsync", "everysec" or "memory"`);
  }
  if (tls !== undefined && (typeof tls !== 'object' || tls === null || !place.isTls)) {
    throw new OptionError(`${owner}: tls takes options of tls.connect(), for a URL with rediss://`);
  }
  const durations = { reconnectMs, commandTimeoutMs, leaseMs };
  checkDurations(owner, durations);
  const { endpoint, user, database } = place;
  return {
    ...{ endpoint, user, database, prefix, ...durations },
    durability: durability as RedisDurability,
    password: options.password ?? place.password ?? process.env.REDISCLI_AUTH,
    tls: place.isTls ? (tls ?? {}) : undefined,
  };
}

/** Without the URL in its messages, because that has a password. */
function partsOf(owner: string, url: unknown) {
  const scheme = typeof url === 'string' && URL.canParse(url) ? SCHEME.exec(url)?.[1] : undefined;
  const parts = scheme === undefined ? undefined : new URL(url as string);
  const path = parts && decodeURIComponent(parts.pathname);
  const isSocket = scheme === 'redis+unix';
  const database = isSocket ? parts?.searchParams.get('db') : path?.slice(1);
  const isDatabase = /^\d{0,5}$/.test(database ?? '');
  const hasPlace = isSocket ? path !== '' && path !== '/' : parts?.hostname !== '';
  if (parts === undefined || !isDatabase || !hasPlace) {
    throw new OptionError(
      `${owner}: url must look like redis://user:password@host:6379/0, with special characters of the password encoded, such as %40 for @`,
    );
  }
  const decoded = (text: string) => (text === '' ? undefined : decodeURIComponent(text));
  return {
    // Brackets belong to an IPv6 address in a URL alone.
    endpoint: {
      host: parts.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: Number(parts.port || 6379),
      path: isSocket ? path : undefined,
    },
    user: decoded(parts.username),
    password: decoded(parts.password),
    database: Number(database ?? 0),
    isTls: scheme === 'rediss' || scheme === 'valkeys',
  };
}

/** The options that a URL may have at its end. */
function queryOf(owner: string, { protocol, searchParams }: URL, isJournal: boolean) {
  const known = ['prefix', 'durability', ...(protocol === 'redis+unix:' ? ['db'] : [])];
  const unknown = [...searchParams.keys()].find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const names = known.map((name) => `"${name}"`).join(', ');
    throw new OptionError(`${owner}: url has the unknown option "${unknown}"; it takes ${names}`);
  }
  const durability = searchParams.get('durability') ?? undefined;
  return {
    prefix: searchParams.get('prefix') ?? undefined,
    // The limits of a journal's URL store nothing that must be durable.
    durability: isJournal ? durability : undefined,
  };
}

/** The server for messages, without the password. */
export function placeOf({ endpoint, database }: Pick<RedisSettings, 'endpoint' | 'database'>) {
  const { host, port, path } = endpoint;
  const place = path ?? `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return database === 0 ? place : `${place}/${database}`;
}
