import { Redis, type RedisOptions } from 'ioredis';
import type { Backend } from './backend.js';
import { engineError } from './errors.js';
import { type EngineSettings, placeOf } from './options.js';
import { RedisBus } from './redis-bus.js';

const MAX_PAUSE_MS = 1_000;

/** The connections to Redis or Valkey. */
export class RedisBackend implements Backend {
  readonly bus: RedisBus;
  readonly factory = undefined;
  readonly #settings: EngineSettings;
  readonly #clients: Redis[] = [];
  #isOpen = true;

  readonly #silentMs: number;

  /** @param silentMs After this time without an answer, a connection is lost. */
  constructor(settings: EngineSettings, silentMs: number) {
    this.#settings = settings;
    this.#silentMs = silentMs;
    this.bus = new RedisBus(settings.queue, this.#client(), this.#client(), silentMs);
  }

  connection(): Redis {
    return this.#client();
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    for (const client of this.#clients) {
      const isAway = client.status === 'reconnecting';
      client.disconnect();
      // Commands that wait for the server end with the next try. Otherwise BullMQ would wait for them forever.
      if (isAway) client.connect().then(() => client.disconnect(), noop);
    }
  }

  #client(): Redis {
    const client = new Redis(this.#url, {
      ...this.#options,
      // BullMQ blocks on a connection, and waits for the server as long as it takes.
      maxRetriesPerRequest: null,
      retryStrategy: (times) =>
        this.#isOpen ? Math.min(50 * 2 ** Math.min(times, 10), MAX_PAUSE_MS) : null,
    });
    client.on('error', this.#settings.onError);
    return this.#keep(client);
  }

  /** Ends the connection with the others, and those that BullMQ makes of it: one for each worker, to block on. */
  #keep(client: Redis): Redis {
    this.#clients.push(client);
    const duplicate = client.duplicate.bind(client);
    client.duplicate = (options) => this.#keep(duplicate(options));
    return client;
  }

  /** Locks are keys that the server lets expire. */
  async clockAheadMs(): Promise<number> {
    return 0;
  }

  get #url(): string {
    return this.#settings.url.replace(/^valkey/, 'redis');
  }

  get #options(): RedisOptions {
    const password = process.env.REDISCLI_AUTH;
    // The password of the URL comes first.
    return {
      lazyConnect: true,
      socketTimeout: this.#silentMs,
      ...(password !== undefined && { password }),
    };
  }

  async ready(): Promise<void> {
    const client = new Redis(this.#url, {
      ...this.#options,
      retryStrategy: () => null,
    });
    // A command only says that the connection is closed.
    let reason: Error | undefined;
    client.on('error', (error: Error) => {
      reason ??= error;
    });
    try {
      await client.connect();
      await client.ping();
    } catch (error) {
      throw engineError(reason ?? error, placeOf(this.#settings.url));
    } finally {
      client.disconnect();
    }
  }
}

function noop(): void {}
