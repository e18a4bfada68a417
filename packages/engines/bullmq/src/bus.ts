/**
 * Carries messages between coordinators and workers at once, and keeps none: one that is lost on the way
 * is sent again by its sender. Messages of one channel from one process arrive in order.
 */
export interface Bus {
  /** Sends texts to channels. */
  publish(batch: ReadonlyMap<string, readonly string[]>): Promise<void>;
  /** Calls the listener with each text that is sent to a channel. */
  subscribe(channel: string, listener: (text: string) => void): Promise<void>;
  close(): Promise<void>;
}

/** While a batch is on its way, the next one gathers: so a busy process sends few and large messages. */
export class Sender {
  readonly #bus: Bus;
  readonly #onError: (error: Error) => void;
  #batch = new Map<string, string[]>();
  #work: Promise<void> | undefined;

  constructor(bus: Bus, onError: (error: Error) => void) {
    this.#bus = bus;
    this.#onError = onError;
  }

  send(channel: string, text: string): void {
    const texts = this.#batch.get(channel);
    if (texts === undefined) this.#batch.set(channel, [text]);
    else texts.push(text);
    this.#work ??= this.#run();
  }

  /** Waits until everything is sent. */
  async flush(): Promise<void> {
    await this.#work;
  }

  async #run(): Promise<void> {
    // Everything of this turn goes into one batch.
    await null;
    while (this.#batch.size > 0) {
      const batch = this.#batch;
      this.#batch = new Map();
      try {
        await this.#bus.publish(batch);
      } catch (error) {
        // What matters is sent again.
        this.#onError(error as Error);
      }
    }
    this.#work = undefined;
  }
}
