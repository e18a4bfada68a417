import { createHash, randomUUID } from 'node:crypto';
import pg from 'pg';
import type { Bus } from './bus.js';

/** A payload of NOTIFY has fewer than 8,000 bytes. */
const MAX_BYTES = 7_900;
/** A character of JavaScript takes at most three bytes. */
const MAX_PIECE = 2_500;
const MIN_PAUSE_MS = 50;
const MAX_PAUSE_MS = 2_000;

/** Messages over LISTEN and NOTIFY, which keep their order and lose none while connections last. */
export class PostgresBus implements Bus {
  readonly #queue: string;
  readonly #pool: pg.Pool;
  readonly #options: pg.ClientConfig;
  readonly #onError: (error: Error) => void;
  readonly #listeners = new Map<string, (text: string) => void>();
  /** Pieces of long texts, by channel and id. */
  readonly #pieces = new Map<string, string[]>();
  #client: pg.Client | undefined;
  /** The connection that has not answered to a ping yet. */
  #asked: pg.Client | undefined;
  #connecting: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pauseMs = MIN_PAUSE_MS;
  #isOpen = true;
  readonly #pinging: NodeJS.Timeout;
  /** Makes the ids of cut texts differ from those of other processes. */
  readonly #id = randomUUID();
  #sent = 0;

  /**
   * @param pool For sending; closed by its owner.
   * @param silentMs How long the connection that listens may be silent, although it is asked, before it is lost.
   */
  constructor(
    queue: string,
    pool: pg.Pool,
    options: pg.ClientConfig,
    silentMs: number,
    onError: (error: Error) => void,
  ) {
    this.#queue = queue;
    this.#pool = pool;
    this.#options = options;
    this.#onError = onError;
    // It only listens: otherwise it would not notice that the network has lost the other end.
    this.#pinging = setInterval(() => this.#ping(), silentMs / 2);
    this.#pinging.unref();
  }

  async publish(batch: ReadonlyMap<string, readonly string[]>): Promise<void> {
    const channels: string[] = [];
    const payloads: string[] = [];
    for (const [channel, texts] of batch) {
      const name = this.#nameOf(channel);
      for (const payload of this.#pack(texts)) {
        channels.push(name);
        payloads.push(payload);
      }
    }
    const statement = 'SELECT pg_notify(c, p) FROM unnest($1::text[], $2::text[]) AS t(c, p)';
    await this.#pool.query(statement, [channels, payloads]);
  }

  async subscribe(channel: string, listener: (text: string) => void): Promise<void> {
    const name = this.#nameOf(channel);
    this.#listeners.set(name, listener);
    if (this.#client === undefined) await this.#connect();
    else await this.#client.query(`LISTEN ${name}`);
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    clearTimeout(this.#timer);
    clearInterval(this.#pinging);
    const client = this.#client;
    this.#client = undefined;
    // It says goodbye, and needs no answer.
    client?.end().catch(() => {});
  }

  #ping(): void {
    const client = this.#client;
    // One that has not answered to the last one is lost when that has taken too long.
    if (client === undefined || client === this.#asked || this.#connecting !== undefined) return;
    this.#asked = client;
    client.query('SELECT 1').then(
      () => {
        if (this.#asked === client) this.#asked = undefined;
      },
      (error: Error) => this.#lost(client, error),
    );
  }

  #connect(): Promise<void> {
    this.#connecting ??= this.#open().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #open(): Promise<void> {
    const client = new pg.Client({ ...this.#options, keepAlive: true });
    const lost = (error?: Error) => this.#lost(client, error);
    client.on('error', lost);
    client.on('end', () => lost());
    client.on('notification', ({ channel, payload }) => this.#take(channel, payload ?? ''));
    this.#client = client;
    try {
      await client.connect();
      for (const name of this.#listeners.keys()) await client.query(`LISTEN ${name}`);
      this.#pauseMs = MIN_PAUSE_MS;
      // The other pieces of these were missed.
      this.#pieces.clear();
    } catch (error) {
      lost(error as Error);
      throw error;
    }
  }

  /** Connects again after a while. */
  #lost(client: pg.Client, error: Error | undefined): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    client.end().catch(() => {});
    if (!this.#isOpen) return;
    if (error !== undefined) this.#onError(error);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect().catch(() => {}), this.#pauseMs);
    this.#pauseMs = Math.min(2 * this.#pauseMs, MAX_PAUSE_MS);
  }

  /** Channels share one space of names in a database, and a name has at most 63 bytes. */
  #nameOf(channel: string): string {
    const hash = createHash('sha256').update(`${this.#queue}\0${channel}`).digest('hex');
    return `stratagem_${hash.slice(0, 40)}`;
  }

  /** Joins texts to payloads: as many as fit, with a line for each. JSON has no line breaks. */
  *#pack(texts: readonly string[]): Generator<string> {
    let payload = '';
    let bytes = 0;
    for (const text of texts) {
      const size = Buffer.byteLength(text) + 1;
      if (bytes > 0 && bytes + size > MAX_BYTES) {
        yield payload;
        payload = '';
        bytes = 0;
      }
      if (size > MAX_BYTES) {
        yield* this.#cut(text);
        continue;
      }
      payload += `${payload === '' ? '' : '\n'}${text}`;
      bytes += size;
    }
    if (bytes > 0) yield payload;
  }

  /**
   * Cuts a text into payloads that begin with `#`, its id, their number, and whether it is the last one.
   * Equal payloads of a transaction arrive once, so the number makes them different.
   */
  *#cut(text: string): Generator<string> {
    const id = `${this.#id}.${++this.#sent}`;
    let index = 0;
    for (let from = 0; from < text.length; ) {
      let to = Math.min(from + MAX_PIECE, text.length);
      // Both halves of a surrogate pair belong to the same payload.
      if (to < text.length && /[\ud800-\udbff]/.test(text[to - 1] as string)) to--;
      yield `#${id} ${index++} ${to === text.length ? 1 : 0} ${text.slice(from, to)}`;
      from = to;
    }
  }

  #take(name: string, payload: string): void {
    const listener = this.#listeners.get(name);
    if (listener === undefined) return;
    if (!payload.startsWith('#')) {
      for (const text of payload.split('\n')) listener(text);
      return;
    }
    const [, id = '', index, last, piece = ''] = /^#(\S+) (\d+) ([01]) (.*)$/s.exec(payload) ?? [];
    const key = `${name} ${id}`;
    if (index === '0') this.#pieces.set(key, []);
    const pieces = this.#pieces.get(key);
    // The first one came before this process listened.
    if (pieces === undefined) return;
    pieces.push(piece);
    if (last !== '1') return;
    this.#pieces.delete(key);
    listener(pieces.join(''));
  }
}
