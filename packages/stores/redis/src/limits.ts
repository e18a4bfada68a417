import { OptionError } from '@stratagem/core';
import type { LimitedAmount, Reservation, SharedLimits } from '@stratagem/core/journal';
import type { Announcement } from '@stratagem/store-kit';
import type { Server } from './server.js';

const MINUTE_MS = 60_000;

/** Each resource is one hash: the end of the schedule of each quantity, and of its pause. */
export class RedisLimits implements SharedLimits {
  readonly #server: Server;
  readonly #onClose: () => Promise<void>;

  constructor(server: Server, onClose: () => Promise<void>) {
    this.#server = server;
    this.#onClose = onClose;
  }

  async reserve(resource: string, amounts: readonly LimitedAmount[]): Promise<Reservation> {
    const quantities = amounts.map(({ quantity }) => quantity);
    if (new Set(quantities).size < quantities.length || quantities.includes('')) {
      throw new OptionError('reserve() takes each quantity once, by its name');
    }
    const args = amounts.flatMap(({ quantity, amount, perMinute }) => [
      quantity,
      (amount / perMinute) * MINUTE_MS,
    ]);
    const results = await this.#server.run<string[]>(['reserve', resource, ...args]);
    const pausedMs = Number(results.pop());
    return { aheadMs: results.map(Number), pausedMs };
  }

  async pause(resource: string, durationMs: number): Promise<void> {
    const announcement: Announcement = { kind: 'pause', resource, durationMs };
    await this.#server.run(['pause', resource, durationMs, JSON.stringify(announcement)]);
  }

  onPause(listener: (resource: string, durationMs: number) => void): () => void {
    this.#server.requireOpen();
    return this.#server.listener.subscribe((announcement) => {
      if (announcement.kind === 'pause') listener(announcement.resource, announcement.durationMs);
    });
  }

  close(): Promise<void> {
    return this.#onClose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
