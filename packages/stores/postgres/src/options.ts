import { OptionError } from '@stratagem/core';
import { checkLimit, checkOptions } from '@stratagem/core/journal';
import { checkDurations, type TlsOptions } from '@stratagem/store-kit';

/** A server, for those who do not want to write a URL. What is left out comes from `PGHOST`, `PGUSER`, … */
export interface PostgresServerOptions {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly database?: string | undefined;
  readonly user?: string | undefined;
  /** A function is called for each connection, for passwords that expire. */
  readonly password?: string | (() => string | Promise<string>) | undefined;
}

/** How to reach the server, and which tables to use. */
export interface PostgresOptions {
  /**
   * `postgres://user:password@host:port/database?sslmode=require`. What is left out comes from `PGHOST`,
   * `PGUSER`, `PGPASSWORD`, `~/.pgpass` and the like.
   */
  readonly url?: string | undefined;
  /** Instead of a URL. */
  readonly server?: PostgresServerOptions | undefined;
  /**
   * TLS: true for a certificate that the system trusts, or how to check it. With a URL, its
   * `sslmode` may say it as well.
   * @default as the URL says
   */
  readonly ssl?: boolean | TlsOptions | undefined;
  /**
   * The schema of the tables, at most 40 characters. It is created when it is missing. Journals in
   * different schemas have nothing in common.
   * @default 'stratagem'
   */
  readonly schema?: string | undefined;
  /**
   * The maximum number of connections. One more listens for announcements.
   * @default 4
   */
  readonly maxConnections?: number | undefined;
  /**
   * How long to try again when a connection breaks off, the server restarts or has no connection left,
   * in milliseconds. Runs go on afterwards. The first connection is tried once.
   * @default 30_000
   */
  readonly reconnectMs?: number | undefined;
  /**
   * How long one statement may take, in milliseconds. The connection is given up when the server does
   * not answer in that time.
   * @default 30_000
   */
  readonly statementTimeoutMs?: number | undefined;
}

export interface PostgresJournalOptions extends PostgresOptions {
  /**
   * How long the process of a run may be silent before another process may take the run over, in
   * milliseconds. A process renews its leases three times as often.
   * @default 30_000
   */
  readonly leaseMs?: number | undefined;
}

/** The options with every default filled in. */
export interface PostgresSettings {
  readonly url: string | undefined;
  readonly server: PostgresServerOptions;
  readonly ssl: boolean | TlsOptions | undefined;
  readonly schema: string;
  readonly maxConnections: number;
  readonly reconnectMs: number;
  readonly statementTimeoutMs: number;
  readonly leaseMs: number;
}

const NAMES = [
  'url',
  'server',
  'ssl',
  'schema',
  'maxConnections',
  'reconnectMs',
  'statementTimeoutMs',
];
const SERVER_NAMES = ['host', 'port', 'database', 'user', 'password'];
/** The name of a channel has the schema in it, and at most 63 bytes. */
const MAX_SCHEMA = 40;

/** @throws {OptionError} when an option is unknown, missing or out of range. */
export function postgresSettings(owner: string, options: PostgresJournalOptions): PostgresSettings {
  checkOptions(owner, options, owner === 'postgresJournal()' ? [...NAMES, 'leaseMs'] : NAMES);
  const { url, server, ssl, schema = 'stratagem', maxConnections = 4 } = options;
  const { reconnectMs = 30_000, statementTimeoutMs = 30_000, leaseMs = 30_000 } = options;
  if ((url === undefined) === (server === undefined)) {
    throw new OptionError(`${owner} needs either a url or a server`);
  }
  if (url !== undefined) checkUrl(owner, url);
  if (server !== undefined) checkOptions(`${owner}: server`, server, SERVER_NAMES);
  if (ssl !== undefined && typeof ssl !== 'boolean' && (typeof ssl !== 'object' || ssl === null)) {
    throw new OptionError(`${owner}: ssl must be true, false, or options of tls.connect()`);
  }
  const isName = typeof schema === 'string' && schema !== '' && !schema.includes('\0');
  if (!isName || schema.startsWith('pg_') || Buffer.byteLength(schema) > MAX_SCHEMA) {
    throw new OptionError(
      `${owner}: schema must be a name of 1 to ${MAX_SCHEMA} characters that does not start with "pg_"`,
    );
  }
  checkLimit(owner, 'maxConnections', maxConnections);
  const durations = { reconnectMs, statementTimeoutMs, leaseMs };
  checkDurations(owner, durations);
  return { url, server: server ?? {}, ssl, schema, maxConnections, ...durations };
}

/** Without the URL in its message, because that has a password. */
function checkUrl(owner: string, url: string): void {
  const isUrl = typeof url === 'string' && /^postgres(ql)?:\/\//.test(url) && URL.canParse(url);
  if (isUrl) return;
  throw new OptionError(
    `${owner}: url must look like postgres://user:password@host:5432/database, with special characters of the password encoded, such as %40 for @`,
  );
}

/** The server and the database for messages, without the password. */
export function placeOf({ url, server }: Pick<PostgresSettings, 'url' | 'server'>): string {
  const { env } = process;
  const parts = url === undefined ? undefined : new URL(url);
  const host = parts?.hostname || parts?.searchParams.get('host') || server.host || env.PGHOST;
  const port = parts?.port || server.port || env.PGPORT || 5432;
  const database = parts?.pathname.slice(1) || server.database || env.PGDATABASE || '';
  return `${host ?? 'localhost'}:${port}${database && `/${database}`}`;
}
