import { JournalError } from '@stratagem/core';
import { journalErrors } from '@stratagem/core/journal';
import { type Announcements, retrying } from '@stratagem/store-kit';
import pg from 'pg';
import { isConnectionLoss, isRetryable, toJournalError } from './errors.js';
import { listen } from './listener.js';
import { migrate, versionOf } from './migrate.js';
import { type PostgresSettings, placeOf } from './options.js';

/** One row of a result. */
export type Row = Readonly<Record<string, unknown>>;

const CONNECT_MS = 10_000;
/** The first probe of an idle connection, of which the network may have lost one end. */
const KEEP_ALIVE_MS = 10_000;
/** How much longer than the server the client waits before it gives up a connection. */
const CLIENT_GRACE_MS = 5_000;

/** The server has not answered in time. */
const NO_ANSWER = new Error('Query read timeout');

interface RetryOptions {
  readonly runId?: string | undefined;
  /** How long to try, in milliseconds. @default `reconnectMs` */
  readonly forMs?: number | undefined;
}

/** The connections to a server, and the tables of one schema there. */
export class Database {
  readonly settings: PostgresSettings;
  /** The schema as it is written in statements. */
  readonly schema: string;
  readonly listener: Announcements;
  readonly #place: string;
  #pool: pg.Pool;
  #ready: Promise<void> | undefined;
  #hasConnected = false;
  #isOpen = true;

  constructor(settings: PostgresSettings) {
    this.settings = settings;
    this.schema = pg.escapeIdentifier(settings.schema);
    this.#place = placeOf(settings);
    this.#pool = this.#newPool();
    this.listener = listen(settings.schema, () => this.connectionOptions());
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  connectionOptions(): pg.ClientConfig {
    const { url, server, ssl, statementTimeoutMs } = this.settings;
    return {
      ...(url === undefined ? withoutUndefined(server) : { connectionString: url }),
      ...(ssl !== undefined && { ssl: ssl as pg.ClientConfig['ssl'] }),
      application_name: 'stratagem',
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
      statement_timeout: statementTimeoutMs,
    };
  }

  /**
   * Whether the tables exist. Reading needs no more, and does not create them.
   *
   * @throws {JournalError} when a newer version of this package has made them.
   */
  async exists(): Promise<boolean> {
    if (this.#ready !== undefined) return this.#ready.then(() => true);
    const version = await this.retrying(() =>
      this.#withClient((client) => versionOf(client, this.settings.schema)),
    );
    if (version === undefined) return false;
    await this.prepare();
    return true;
  }

  /** Creates the tables, or brings them up to date, once. */
  prepare(): Promise<void> {
    this.requireOpen();
    if (this.#ready === undefined) {
      const ready = this.retrying(() =>
        this.#withClient((client) => migrate(client, this.settings.schema)),
      );
      this.#ready = ready;
      // The next call tries again.
      ready.catch(() => {
        if (this.#ready === ready) this.#ready = undefined;
      });
    }
    return this.#ready;
  }

  /**
   * Executes one statement, and executes it again when the connection breaks off. So it must not matter
   * whether a statement whose answer was lost has been carried out.
   */
  async query<Result = Row>(
    text: string,
    values: readonly unknown[] = [],
    options?: RetryOptions,
  ): Promise<Result[]> {
    return this.retrying(() => this.queryOnce(text, values), options);
  }

  /** Executes one statement, once. */
  async queryOnce<Result = Row>(text: string, values: readonly unknown[] = []): Promise<Result[]> {
    return this.#withClient(async (client) => {
      const { rows } = await client.query(text, values as unknown[]);
      return rows as Result[];
    });
  }

  /**
   * Executes one statement, once, for at most so long, with the wait for a connection. Without an answer, the
   * network may have lost this connection and all others: none of them is used again.
   */
  async queryWithin(limitMs: number, text: string, values: readonly unknown[]): Promise<void> {
    const pool = this.#pool;
    try {
      await this.#withClient((client) => client.query(text, values as unknown[]), limitMs);
    } catch (thrown) {
      if (thrown === NO_ANSWER && this.#isOpen && this.#pool === pool) {
        this.#pool = this.#newPool();
        // Its statements under way have limits of their own.
        pool.end().catch(() => {});
      }
      throw thrown;
    }
  }

  /** Calls the function again while connections break off; converts its errors to `JournalError`s. */
  async retrying<Result>(
    work: () => Promise<Result>,
    { runId, forMs = this.settings.reconnectMs }: RetryOptions = {},
  ): Promise<Result> {
    return retrying(work, {
      forMs,
      requireOpen: () => {
        if (!this.#isOpen) throw journalErrors.closed(runId);
      },
      mayPass: (thrown) =>
        isRetryable(thrown) || (this.#hasConnected ? isConnectionLoss(thrown) : isStarting(thrown)),
      toError: (thrown) => toJournalError(thrown, this.#place, runId),
    });
  }

  requireOpen(): void {
    if (!this.#isOpen) throw journalErrors.closed();
  }

  corrupt(message: string, runId?: string): JournalError {
    const text = `The journal in PostgreSQL at ${this.#place} is damaged: ${message}. Restore it from a backup`;
    return new JournalError('journal_corrupt', text, { runId });
  }

  /** Ends all connections; statements that have not ended fail. */
  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.listener.close();
    await this.#pool.end();
  }

  #newPool(): pg.Pool {
    const pool = new pg.Pool({
      ...this.connectionOptions(),
      max: this.settings.maxConnections,
      connectionTimeoutMillis: CONNECT_MS,
      allowExitOnIdle: true,
    });
    // A connection that breaks off is replaced. Without listeners the process would end, also when one
    // that was given up already reports another error.
    pool.on('error', () => {});
    pool.on('connect', (client) => client.on('error', () => {}));
    return pool;
  }

  /** @param limitMs How long to wait for a connection and for the work together. */
  async #withClient<Result>(
    work: (client: pg.PoolClient) => Promise<Result>,
    limitMs?: number,
  ): Promise<Result> {
    const begun = performance.now();
    const client = await this.#connect(limitMs);
    this.#hasConnected = true;
    const forMs =
      limitMs === undefined
        ? this.settings.statementTimeoutMs + CLIENT_GRACE_MS
        : Math.max(0, limitMs - (performance.now() - begun));
    let broken: Error | undefined;
    try {
      return await answerWithin(forMs, work(client));
    } catch (thrown) {
      if (isConnectionLoss(thrown)) broken = thrown as Error;
      throw thrown;
    } finally {
      // A broken connection is not used again.
      client.release(broken);
    }
  }

  /** @param limitMs The statements under way may hold all connections for longer. */
  async #connect(limitMs: number | undefined): Promise<pg.PoolClient> {
    const connecting = this.#pool.connect();
    if (limitMs === undefined) return connecting;
    try {
      return await answerWithin(limitMs, connecting);
    } catch (thrown) {
      // It may still come.
      connecting.then(
        (client) => client.release(),
        () => {},
      );
      throw thrown;
    }
  }
}

/** @throws `NO_ANSWER` after so many milliseconds. */
async function answerWithin<Result>(limitMs: number, work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(NO_ANSWER), limitMs);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** Before the first connection only a server that starts is waited for: anything else is a mistake. */
function isStarting(thrown: unknown): boolean {
  return (Object(thrown) as { code?: unknown }).code === '57P03';
}

function withoutUndefined<Options extends object>(options: Options): Options {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Options;
}
