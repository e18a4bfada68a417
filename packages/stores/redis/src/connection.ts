import { Redis } from 'ioredis';
import { movedTo, withoutCommand } from './errors.js';
import type { Endpoint, RedisSettings } from './options.js';

const CONNECT_MS = 10_000;

/**
 * One connection, made when it is first used and again after it was lost. It never sends a command a
 * second time: only its user knows whether that would be harmless. In a cluster, it leads to the node
 * that has the keys.
 */
export class Connection {
  readonly #settings: RedisSettings;
  readonly #onConnect: (client: Redis) => Promise<void>;
  readonly #clients = new Set<Redis>();
  #endpoint: Endpoint;
  #ready: Promise<Redis> | undefined;
  /** Commands under way. Without any, the connection does not keep the process alive. */
  #uses = 0;

  /** @param onConnect Prepares each connection before it is used. */
  constructor(settings: RedisSettings, onConnect: (client: Redis) => Promise<void>) {
    this.#settings = settings;
    this.#onConnect = onConnect;
    this.#endpoint = settings.endpoint;
  }

  /**
   * Rejects with errors of the client and the server, without their commands.
   *
   * @param limitMs After so long without an answer, the connection is given up.
   */
  async use<Result>(
    work: (client: Redis) => Promise<Result>,
    limitMs = this.#settings.commandTimeoutMs,
  ): Promise<Result> {
    this.#ready ??= this.#connect();
    const ready = this.#ready;
    let client: Redis | undefined;
    let timer: NodeJS.Timeout | undefined;
    this.#uses++;
    try {
      client = await ready;
      this.#keepAlive(client);
      const timeout = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(timedOut()), limitMs);
      });
      return await Promise.race([work(client), timeout]);
    } catch (thrown) {
      const error = withoutCommand(thrown);
      this.#follow(error);
      if (client === undefined || mustReconnect(error)) this.#drop(ready, client);
      throw error;
    } finally {
      clearTimeout(timer);
      this.#uses--;
      if (client !== undefined) this.#keepAlive(client);
    }
  }

  close(): void {
    this.#ready = undefined;
    for (const client of this.#clients) client.disconnect();
  }

  async #connect(): Promise<Redis> {
    const client = newClient(this.#settings, this.#endpoint);
    this.#clients.add(client);
    let timer: NodeJS.Timeout | undefined;
    try {
      await openClient(client, this.#settings);
      // The network may lose a connection that was just made, too.
      const timeout = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(timedOut()), this.#settings.commandTimeoutMs);
      });
      await Promise.race([this.#onConnect(client), timeout]);
      return client;
    } catch (error) {
      client.disconnect();
      this.#clients.delete(client);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Another node has the keys; a node that was lost may not be one any more. */
  #follow(error: Error): void {
    const moved = movedTo(error);
    const { host } = this.#endpoint;
    // Without a host, it is the one that has answered.
    this.#endpoint = moved
      ? { host: moved.host || host, port: moved.port }
      : this.#settings.endpoint;
  }

  #drop(ready: Promise<Redis>, client: Redis | undefined): void {
    if (this.#ready === ready) this.#ready = undefined;
    client?.disconnect();
    if (client !== undefined) this.#clients.delete(client);
  }

  #keepAlive(client: Redis): void {
    if (this.#uses > 0) client.stream?.ref?.();
    else client.stream?.unref?.();
  }
}

function timedOut(): Error {
  return new Error('Command timed out');
}

/** An error of a command leaves the connection in order; any other, and a forgotten script, does not. */
function mustReconnect({ name, message }: Error): boolean {
  return name !== 'ReplyError' || /^(NOSCRIPT|MOVED|ASK|READONLY)\b/.test(message);
}

/** It neither connects again nor repeats anything by itself. */
export function newClient(settings: RedisSettings, { host, port, path }: Endpoint): Redis {
  const { tls, commandTimeoutMs } = settings;
  const client = new Redis({
    ...(path === undefined ? { host, port } : { path }),
    ...(tls !== undefined && { tls: tls as object }),
    lazyConnect: true,
    protocol: 2,
    retryStrategy: null,
    enableReadyCheck: false,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    disableClientInfo: true,
    connectTimeout: Math.min(CONNECT_MS, commandTimeoutMs),
  });
  // Without a listener, it writes to the console.
  client.on('error', () => {});
  return client;
}

/** Connects, and identifies this process. The password is not left in any error. */
export async function openClient(client: Redis, settings: RedisSettings): Promise<void> {
  let reason: Error | undefined;
  client.once('error', (error: Error) => {
    reason = error;
  });
  const { user, password: given, database } = settings;
  const password = typeof given === 'function' ? await given() : given;
  try {
    await client.connect();
    if (password !== undefined) {
      await client.call('AUTH', ...(user === undefined ? [] : [user]), password);
    }
    await client.call('CLIENT', 'SETNAME', 'stratagem').catch(() => {});
    if (database !== 0) await client.select(database);
  } catch (error) {
    throw withoutCommand(reason ?? error);
  }
}
