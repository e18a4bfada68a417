import { close, fdatasync, open } from 'node:fs';
import { promisify } from 'node:util';

/**
 * Puts what has been written to a file on the disk, off the event loop. Whoever asks while one such
 * step is under way shares the next one: that step began before what they wrote.
 */
export class GroupSync {
  readonly #file: string;
  #descriptor: Promise<number> | undefined;
  #current: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #failure: unknown;

  constructor(file: string) {
    this.#file = file;
  }

  /**
   * Resolves when everything written before the call is on the disk. Once that failed it fails for
   * ever: the system may have dropped the pages, and would call the next try a success.
   */
  sync(): Promise<void> {
    this.#next ??= this.#current.then(() => {
      this.#next = undefined;
      this.#current = this.#step();
      return this.#current;
    });
    return this.#next;
  }

  async close(): Promise<void> {
    await (this.#next ?? this.#current).catch(() => {});
    if (this.#descriptor === undefined) return;
    const descriptor = await this.#descriptor.catch(() => undefined);
    if (descriptor !== undefined) await promisify(close)(descriptor);
  }

  async #step(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      this.#descriptor ??= promisify(open)(this.#file, 'r+');
      await promisify(fdatasync)(await this.#descriptor);
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }
}
