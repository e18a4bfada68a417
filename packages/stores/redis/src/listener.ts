import type { Redis } from 'ioredis';
import { newClient, openClient } from './connection.js';
import type { RedisSettings } from './options.js';

/** What processes tell each other: a run may be claimable, or a resource was paused. */
export type Announcement =
  | { readonly kind: 'run' }
  | { readonly kind: 'pause'; readonly resource: string; readonly durationMs: number };

type Subscriber = (announcement: Announcement) => void;

/** The first pause before it connects again; it doubles up to the second one. */
const MIN_PAUSE_MS = 100;
const MAX_PAUSE_MS = 5_000;

/**
 * A connection that listens for announcements while somebody wants to hear them. An announcement may be
 * missed while it reconnects, so subscribers look from time to time as well.
 */
export class Listener {
  readonly #settings: RedisSettings;
  readonly #channel: string;
  readonly #subscribers = new Set<Subscriber>();
  #client: Redis | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pauseMs = MIN_PAUSE_MS;
  #isOpen = true;

  constructor(settings: RedisSettings, channel: string) {
    this.#settings = settings;
    this.#channel = channel;
  }

  /** @returns Ends the subscription. */
  subscribe(subscriber: Subscriber): () => void {
    this.#subscribers.add(subscriber);
    if (this.#client === undefined && this.#timer === undefined) void this.#connect();
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

  async #connect(): Promise<void> {
    if (!this.#isOpen) return;
    // Each node of a cluster announces what is published on another one.
    const client = newClient(this.#settings, this.#settings.endpoint);
    this.#client = client;
    client.on('end', () => this.#lost(client));
    client.on('message', (_, message: string) => this.#tell(message));
    try {
      await openClient(client, this.#settings);
      await client.subscribe(this.#channel);
      this.#pauseMs = MIN_PAUSE_MS;
      // What was announced before is unknown.
      this.#tell(JSON.stringify({ kind: 'run' } satisfies Announcement));
    } catch {
      this.#lost(client);
    }
  }

  #tell(message: string): void {
    let announcement: Announcement;
    try {
      announcement = JSON.parse(message) as Announcement;
    } catch {
      // Somebody else uses the channel.
      return;
    }
    for (const subscriber of [...this.#subscribers]) subscriber(announcement);
  }

  /** Connects again after a while, as long as somebody listens. */
  #lost(client: Redis): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    client.disconnect();
    if (!this.#isOpen || this.#subscribers.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#connect();
    }, this.#pauseMs);
    this.#timer.unref();
    this.#pauseMs = Math.min(2 * this.#pauseMs, MAX_PAUSE_MS);
  }

  #disconnect(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const client = this.#client;
    this.#client = undefined;
    client?.disconnect();
  }
}
