import type { Redis } from 'ioredis';
import type { Bus } from './bus.js';

/** Messages over PUBLISH and SUBSCRIBE of Redis. */
export class RedisBus implements Bus {
  readonly #queue: string;
  readonly #redis: Redis;
  readonly #subscriber: Redis;
  readonly #listeners = new Map<string, (text: string) => void>();

  readonly #pinging: NodeJS.Timeout;

  /**
   * @param redis For sending; closed by its owner.
   * @param subscriber A connection for this alone.
   * @param silentMs How long it may be silent, although it is asked, before it is lost.
   */
  constructor(queue: string, redis: Redis, subscriber: Redis, silentMs: number) {
    this.#queue = queue;
    this.#redis = redis;
    this.#subscriber = subscriber;
    subscriber.on('message', (name: string, payload: string) => {
      const listener = this.#listeners.get(name);
      if (listener !== undefined) for (const text of payload.split('\n')) listener(text);
    });
    // It only listens: otherwise it would not notice that the network has lost the other end.
    this.#pinging = setInterval(() => {
      if (subscriber.status === 'ready') subscriber.ping().catch(() => {});
    }, silentMs / 2);
    this.#pinging.unref();
  }

  async publish(batch: ReadonlyMap<string, readonly string[]>): Promise<void> {
    // JSON has no line breaks.
    const sent = Array.from(batch, ([channel, texts]) =>
      this.#redis.publish(this.#nameOf(channel), texts.join('\n')),
    );
    await Promise.all(sent);
  }

  async subscribe(channel: string, listener: (text: string) => void): Promise<void> {
    const name = this.#nameOf(channel);
    this.#listeners.set(name, listener);
    // The client subscribes again when it connects again.
    await this.#subscriber.subscribe(name);
  }

  async close(): Promise<void> {
    clearInterval(this.#pinging);
    this.#subscriber.disconnect();
  }

  #nameOf(channel: string): string {
    return `stratagem:${this.#queue}:${channel}`;
  }
}
