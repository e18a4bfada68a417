/** What processes tell each other: a run may be claimable, somebody asks a run for something or has an answer, or a resource was paused. */
export type Announcement =
  | { readonly kind: 'run' | 'request' }
  | { readonly kind: 'pause'; readonly resource: string; readonly durationMs: number };

/** A run may be claimable, as text. */
export const RUN_ANNOUNCEMENT = JSON.stringify({ kind: 'run' } satisfies Announcement);

/** There may be a request to the process of a run, or a reply, as text. */
export const REQUEST_ANNOUNCEMENT = JSON.stringify({ kind: 'request' } satisfies Announcement);

type Subscriber = (announcement: Announcement) => void;

/** A connection that listens. */
export interface ListeningConnection {
  /** Resolves when it hears announcements. */
  open(): Promise<unknown>;
  close(): void;
}

/** What a connection reports: an announcement as text, and that it has broken off. */
export interface ConnectionEvents {
  tell(message: string | undefined): void;
  lost(): void;
}

/** The first pause before it connects again; it doubles up to the second one. */
const MIN_PAUSE_MS = 100;
const MAX_PAUSE_MS = 5_000;

/**
 * Listens for announcements while somebody wants to hear them. An announcement may be missed while it
 * reconnects, so subscribers look from time to time as well.
 */
export class Announcements {
  readonly #connect: (events: ConnectionEvents) => ListeningConnection;
  readonly #subscribers = new Set<Subscriber>();
  #connection: ListeningConnection | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pauseMs = MIN_PAUSE_MS;
  #isOpen = true;

  /** @param connect Makes a connection, which is opened next. */
  constructor(connect: (events: ConnectionEvents) => ListeningConnection) {
    this.#connect = connect;
  }

  /** @returns Ends the subscription. */
  subscribe(subscriber: Subscriber): () => void {
    this.#subscribers.add(subscriber);
    if (this.#connection === undefined && this.#timer === undefined) void this.#open();
    return () => {
      this.#subscribers.delete(subscriber);
      if (this.#subscribers.size === 0) this.#disconnect();
    };
  }

  close(): void {
    this.#isOpen = false;
    this.#subscribers.clear();
    this.#disconnect();
  }

  async #open(): Promise<void> {
    if (!this.#isOpen) return;
    const connection = this.#connect({
      tell: (message) => this.#tell(message),
      lost: () => this.#lost(connection),
    });
    this.#connection = connection;
    try {
      await connection.open();
      this.#pauseMs = MIN_PAUSE_MS;
      // What was announced before is unknown.
      this.#tell(RUN_ANNOUNCEMENT);
      this.#tell(REQUEST_ANNOUNCEMENT);
    } catch {
      this.#lost(connection);
    }
  }

  #tell(message: string | undefined): void {
    let announcement: Announcement;
    try {
      announcement = JSON.parse(message ?? '') as Announcement;
    } catch {
      // Somebody else uses the channel.
      return;
    }
    for (const subscriber of [...this.#subscribers]) subscriber(announcement);
  }

  /** Connects again after a while, as long as somebody listens. */
  #lost(connection: ListeningConnection): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    connection.close();
    if (!this.#isOpen || this.#subscribers.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#open();
    }, this.#pauseMs);
    this.#timer.unref();
    this.#pauseMs = Math.min(2 * this.#pauseMs, MAX_PAUSE_MS);
  }

  #disconnect(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.close();
  }
}
