import type { ReadCommand } from '../kernel/command.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Input } from './input.js';
import type { ItemReaders } from './item-readers.js';
import type { RunSettings } from './settings.js';

/** Reads the streams of fan-outs. The readers are loaded when they are needed: most plans have no streams. */
export class ItemFeed {
  readonly #load: () => Promise<ItemReaders>;
  #readers: Promise<ItemReaders> | undefined;
  #isClosed = false;

  constructor(
    settings: Pick<RunSettings, 'record' | 'codecs'>,
    kernel: Kernel,
    take: (input: Input) => void,
  ) {
    this.#load = async () => {
      const { ItemReaders } = await import('./item-readers.js');
      return new ItemReaders(settings, kernel, take);
    };
  }

  async read(command: ReadCommand): Promise<void> {
    this.#readers ??= this.#load();
    const readers = await this.#readers;
    if (!this.#isClosed) await readers.read(command);
  }

  /** A fan-out needs no more items. */
  async end(index: number): Promise<void> {
    const readers = await this.#readers;
    readers?.end(index);
  }

  /** The run has ended: nothing is read any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const readers = await this.#readers;
    readers?.close();
  }
}
