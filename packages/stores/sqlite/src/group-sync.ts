import { close, fdatasync, open } from 'node:fs';
import { promisify } from 'node:util';

/**
 * Flushes a file to the disk, off the event loop. Calls during a flush share the next one, because the
 * current flush began before their writes.
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
   * Resolves when everything written before the call is on the disk. After one failure, every call
   * fails: the system may have dropped the pages, and a retry would wrongly succeed.
   */
  sync(): Promise<void> {
    this.#next ??= this.#current.then(() => {
      this.#next = undefined;
      this.#current = this.#flush();
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

  async #flush(): Promise<void> {
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
