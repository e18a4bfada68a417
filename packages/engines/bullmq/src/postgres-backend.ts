import {
  type BackendFactory,
  createPostgresBackend,
  type IQueueBackend,
  runMigrations,
} from 'bullmq';
import pg from 'pg';
import type { Backend } from './backend.js';
import { engineError } from './errors.js';
import { type EngineSettings, placeOf } from './options.js';
import { PostgresBus } from './postgres-bus.js';
import { within } from './within.js';

/** BullMQ keeps its tables in this schema when it is given a pool. */
const SCHEMA = 'bullmq';
const CONNECT_MS = 10_000;
/** The first probe of an idle connection, of which the network may have lost one end. */
const KEEP_ALIVE_MS = 10_000;
/** A worker listens on one of them. */
const MAX_CONNECTIONS = 3;
/** How long statements may take at the end. */
const CLOSE_MS = 1_000;

/** The connections to PostgreSQL. */
export class PostgresBackend implements Backend {
  readonly bus: PostgresBus;
  readonly factory = createPostgresBackend as BackendFactory<IQueueBackend, unknown>;
  readonly #settings: EngineSettings;
  readonly #pools: pg.Pool[] = [];
  readonly #clients = new Set<pg.PoolClient>();

  readonly #silentMs: number;

  /** @param silentMs After this time without an answer, a connection is lost. */
  constructor(settings: EngineSettings, silentMs: number) {
    this.#settings = settings;
    this.#silentMs = silentMs;
    const { queue, onError } = settings;
    this.bus = new PostgresBus(queue, this.#pool(1), this.#options(), silentMs, onError);
  }

  connection(isDurable: boolean): pg.Pool {
    return this.#pool(MAX_CONNECTIONS, isDurable);
  }

  async close(): Promise<void> {
    await within(CLOSE_MS, Promise.allSettled(this.#pools.map((pool) => pool.end())));
    // Those that wait for a server that is away would keep the process alive.
    for (const client of this.#clients) streamOf(client)?.destroy();
  }

  #options(isDurable = false): pg.ClientConfig {
    return {
      connectionString: this.#settings.url,
      application_name: 'stratagem',
      // The queue is a cache of the journal: what a crash of the server takes from it is put back.
      options: `-c search_path=${SCHEMA} -c synchronous_commit=${isDurable ? 'on' : 'off'}`,
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: this.#silentMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    };
  }

  #pool(max: number, isDurable = false): pg.Pool {
    const pool = new pg.Pool({
      ...this.#options(isDurable),
      max,
      allowExitOnIdle: true,
    });
    // A connection that breaks off is replaced. Without listeners the process would end.
    pool.on('error', () => {});
    pool.on('connect', (client) => {
      this.#clients.add(client);
      client.on('error', () => {});
    });
    pool.on('remove', (client) => this.#clients.delete(client));
    this.#pools.push(pool);
    return pool;
  }

  ready(): Promise<void> {
    return this.#withClient((client) => runMigrations(client, SCHEMA).then(() => {}));
  }

  /** BullMQ compares the clocks of workers with each other: that of the server is one that all can ask. */
  clockAheadMs(): Promise<number> {
    return this.#withClient(async (client) => {
      const before = Date.now();
      const { rows } = await client.query(
        'SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS now',
      );
      const after = Date.now();
      const now = Number(rows[0]?.now);
      return Math.max(0, before - now) || Math.min(0, after - now);
    });
  }

  async #withClient<Result>(work: (client: pg.Client) => Promise<Result>): Promise<Result> {
    const client = new pg.Client(this.#options());
    client.on('error', () => {});
    try {
      await client.connect();
      return await work(client);
    } catch (error) {
      throw engineError(error, placeOf(this.#settings.url));
    } finally {
      await client.end().catch(() => {});
    }
  }
}

/** The socket of a client, which its types do not mention. */
function streamOf(client: pg.PoolClient): { destroy(): void } | undefined {
  return (client as { connection?: { stream?: { destroy(): void } } }).connection?.stream;
}
