import { JournalError } from '@stratagem/core';
import { journalErrors } from '@stratagem/core/journal';
import { type Announcements, retrying } from '@stratagem/store-kit';
import type { Redis } from 'ioredis';
import { Connection } from './connection.js';
import { isConnectionLoss, isRetryable, toJournalError } from './errors.js';
import { listen } from './listener.js';
import { placeOf, type RedisSettings } from './options.js';
import { SCRIPTS, type ScriptName, shaOf } from './scripts.js';
import {
  type Acknowledgement,
  acknowledgementOf,
  noticeAbout,
  readServerFacts,
  requireVersion,
  type ServerFacts,
} from './server-facts.js';

/** The version of the keys that this package uses. */
const VERSION = 1;

interface RetryOptions {
  readonly runId?: string | undefined;
  /** How long to try, in milliseconds. @default `reconnectMs` */
  readonly forMs?: number | undefined;
}

/** A script with its arguments; each begins with the prefix of the keys. */
export type ScriptCall = readonly [name: ScriptName, ...args: (string | number)[]];

/** The connections to a server, and the keys with one prefix there. */
export class Server {
  readonly settings: RedisSettings;
  /** The beginning of all keys. The braces keep them on one node of a cluster. */
  readonly keys: string;
  readonly listener: Announcements;
  readonly #place: string;
  readonly #storesRuns: boolean;
  readonly #commands: Connection;
  /** `WAITAOF` holds up what comes after it on the same connection, such as renewals of leases. */
  readonly #writes: Connection;
  #facts: ServerFacts | undefined;
  #acknowledgement: Acknowledgement = 'reply';
  #isOpen = true;

  /** @param storesRuns Whether the server must keep what it stores. */
  constructor(settings: RedisSettings, storesRuns: boolean) {
    this.settings = settings;
    this.keys = `{${settings.prefix}}`;
    this.#place = placeOf(settings);
    this.#storesRuns = storesRuns;
    this.#commands = new Connection(settings, (client) => this.#prepare(client));
    this.#writes = new Connection(settings, (client) => this.#prepare(client));
    this.listener = listen(settings, `${this.keys}:news`);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Executes one command, again when the connection breaks off. */
  async command<Result>(
    runId: string | undefined,
    work: (client: Redis) => Promise<Result>,
  ): Promise<Result> {
    return this.retrying(() => this.#commands.use(work), { runId });
  }

  /**
   * Executes a script, again when the connection breaks off. So it must not matter whether a script
   * whose answer was lost has been executed.
   */
  async run<Result>(call: ScriptCall, options?: RetryOptions): Promise<Result> {
    return this.retrying(() => this.runOnce<Result>(call), options);
  }

  /** Executes a script, once, for at most so long; the connection is given up then. */
  async runOnce<Result>([name, ...args]: ScriptCall, limitMs?: number): Promise<Result> {
    return this.#commands.use(
      (client) => client.evalsha(shaOf(name), 1, this.keys, ...args) as Promise<Result>,
      limitMs,
    );
  }

  /**
   * Executes scripts that write, once, and waits until their writes are as durable as wanted. A script
   * that finds its writes made already must write something, or nobody waits for them.
   */
  async writeOnce<Result>(calls: readonly ScriptCall[]): Promise<Result[]> {
    return this.#writes.use(async (client) => {
      const pipeline = client.pipeline();
      for (const [name, ...args] of calls) pipeline.evalsha(shaOf(name), 1, this.keys, ...args);
      const waits = this.#acknowledgement === 'waitaof';
      if (waits) pipeline.call('WAITAOF', 1, 0, Math.ceil(this.settings.commandTimeoutMs));
      const replies = (await pipeline.exec()) ?? [];
      const failed = replies.find(([error]) => error !== null);
      if (failed?.[0]) throw failed[0];
      const results = replies.map(([, reply]) => reply);
      const [local] = waits ? (results.pop() as number[]) : [1];
      if (local === 0) throw new Error('WAITAOF timed out');
      return results as Result[];
    });
  }

  /** Notes which server this is, once there is something to keep. */
  async create(): Promise<void> {
    await this.command(undefined, async () => {});
    await this.run(['create', VERSION, this.#facts?.runId ?? '']);
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
      // Before the first connection, one that cannot be made is a mistake.
      mayPass: (thrown) =>
        isRetryable(thrown) || (this.#facts !== undefined && isConnectionLoss(thrown)),
      toError: (thrown) => toJournalError(thrown, this.#place, runId),
    });
  }

  requireOpen(): void {
    if (!this.#isOpen) throw journalErrors.closed();
  }

  corrupt(message: string, runId?: string): JournalError {
    const text = `The journal in Redis at ${this.#place} is damaged: ${message}. Restore it from a backup`;
    return new JournalError('journal_corrupt', text, { runId });
  }

  /** Ends all connections; commands that have not ended fail. */
  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.listener.close();
    this.#commands.close();
    this.#writes.close();
  }

  /** Checks the server of a new connection, and loads the scripts: a restart has forgotten them. */
  async #prepare(client: Redis): Promise<void> {
    const facts = await readServerFacts(client);
    requireVersion(facts);
    const { durability } = this.settings;
    const acknowledgement = this.#storesRuns
      ? acknowledgementOf(facts, durability, this.#place)
      : 'reply';
    await this.#noteRestart(client, facts);
    await Promise.all(Object.values(SCRIPTS).map((text) => client.call('SCRIPT', 'LOAD', text)));
    const notice = noticeAbout(facts, acknowledgement, this.#place);
    if (notice !== undefined && this.#facts === undefined) process.emitWarning(notice);
    this.#acknowledgement = acknowledgement;
    this.#facts = facts;
  }

  /** Right after a restart, nobody had the time to renew a lease: they count from then on. */
  async #noteRestart(client: Redis, { runId = '' }: ServerFacts): Promise<void> {
    const [version, known] = await client.mget(`${this.keys}:version`, `${this.keys}:server`);
    if (version === null || version === undefined) return;
    if (Number(version) > VERSION) {
      const message = `The keys with the prefix "${this.settings.prefix}" have version ${version}, and this version of @stratagem/redis knows ${VERSION}: update it`;
      throw new JournalError('journal_newer', message);
    }
    if (known === runId) return;
    try {
      await client.eval(SCRIPTS.restarted, 1, this.keys, runId);
    } catch (error) {
      // A replica can be read all the same.
      if (!/^(READONLY|NOPERM)/.test((error as Error).message)) throw error;
    }
  }
}
