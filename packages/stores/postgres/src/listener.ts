import pg from 'pg';

/** What processes tell each other: a run may be claimable, or a resource was paused. */
export type Announcement =
  | { readonly kind: 'run' }
  | { readonly kind: 'pause'; readonly resource: string; readonly durationMs: number };

type Subscriber = (announcement: Announcement) => void;

/** The first pause before it connects again; it doubles up to the second one. */
const MIN_PAUSE_MS = 100;
const MAX_PAUSE_MS = 5_000;

/** The channel of a schema, as `LISTEN` and `pg_notify` name it. */
export function channelOf(schema: string): string {
  return `stratagem ${schema}`;
}

/**
 * A connection that listens for announcements while somebody wants to hear them. An announcement may be
 * missed while it reconnects, so subscribers look from time to time as well.
 */
export class Listener {
  readonly #channel: string;
  readonly #options: () => pg.ClientConfig;
  readonly #subscribers = new Set<Subscriber>();
  #client: pg.Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pauseMs = MIN_PAUSE_MS;
  #isOpen = true;

  constructor(schema: string, options: () => pg.ClientConfig) {
    this.#channel = channelOf(schema);
    this.#options = options;
  }

  /** @returns Ends the subscription. */
  subscribe(subscriber: Subscriber): () => void {
    this.#subscribers.add(subscriber);
    if (this.#client === undefined && this.#timer === undefined) void this.#connect();
    return () => {
      this.#subscribers.delete(subscriber);
      if (this.#subscribers.size === 0) void this.#disconnect();
    };
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    this.#subscribers.clear();
    await this.#disconnect();
  }

  async #connect(): Promise<void> {
    if (!this.#isOpen) return;
    const client = new pg.Client(this.#options());
    this.#client = client;
    const lost = () => this.#lost(client);
    client.on('error', lost);
    client.on('end', lost);
    client.on('notification', ({ payload }) => this.#tell(payload));
    try {
      await client.connect();
      await client.query(`LISTEN ${pg.escapeIdentifier(this.#channel)}`);
      this.#pauseMs = MIN_PAUSE_MS;
      // What was announced before is unknown.
      this.#tell(JSON.stringify({ kind: 'run' } satisfies Announcement));
    } catch {
      lost();
    }
  }

  #tell(payload: string | undefined): void {
    let announcement: Announcement;
    try {
      announcement = JSON.parse(payload ?? '') as Announcement;
    } catch {
      // Somebody else uses the channel.
      return;
    }
    for (const subscriber of [...this.#subscribers]) subscriber(announcement);
  }

  /** Connects again after a while, as long as somebody listens. */
  #lost(client: pg.Client): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    client.end().catch(() => {});
    if (!this.#isOpen || this.#subscribers.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#connect();
    }, this.#pauseMs);
    this.#timer.unref();
    this.#pauseMs = Math.min(2 * this.#pauseMs, MAX_PAUSE_MS);
  }

  async #disconnect(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => {});
  }
}
