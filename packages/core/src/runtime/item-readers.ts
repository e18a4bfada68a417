import type { ValueCodec } from '../contract/codec.js';
import { describe, RunnerError, show } from '../contract/errors.js';
import type { StreamPosition } from '../contract/event.js';
import { type ItemStream, streamOf } from '../contract/for-each.js';
import type { ReadCommand } from '../kernel/command.js';
import type { Kernel } from '../kernel/kernel.js';
import { canonicalText } from '../serialize/canonical.js';
import { sha256 } from '../util/sha256.js';
import type { Input } from './input.js';

/** Reads the streams of fan-outs, as far as the kernel asks for their items. */
export class ItemReaders {
  readonly #kernel: Kernel;
  /** Undefined where nothing is recorded: then nothing is compared later. */
  readonly #codecs: readonly ValueCodec[] | undefined;
  readonly #take: (input: Input) => void;
  /** By the index of the fan-out. */
  readonly #readers = new Map<number, ItemReader>();

  /** @param codecs Those of a run that is recorded; undefined for another one. */
  constructor(
    kernel: Kernel,
    codecs: readonly ValueCodec[] | undefined,
    take: (input: Input) => void,
  ) {
    this.#kernel = kernel;
    this.#codecs = codecs;
    this.#take = take;
  }

  async read(command: ReadCommand): Promise<void> {
    const { index } = command;
    try {
      const { items, ...stream } = await this.#readerOf(index).read(command);
      if (stream.isEnd) this.#readers.delete(index);
      this.#take({ type: 'itemsRead', index, items, stream });
    } catch (thrown) {
      this.#close(index);
      this.#take({ type: 'readFailed', index, thrown });
    }
  }

  /** The run has ended: nothing is read any more. */
  close(): void {
    for (const index of this.#readers.keys()) this.#close(index);
  }

  #readerOf(index: number): ItemReader {
    let reader = this.#readers.get(index);
    if (reader === undefined) {
      const stream = streamOf(this.#kernel.graph.taskOf(index)) as ItemStream;
      reader = new ItemReader(stream, this.#codecs);
      this.#readers.set(index, reader);
    }
    return reader;
  }

  #close(index: number): void {
    this.#readers.get(index)?.close();
    this.#readers.delete(index);
  }
}

/** Items of a stream, and how far it has been read with them. */
interface Read extends StreamPosition {
  readonly items: readonly unknown[];
}

/** What a stream returned, or threw. */
type Next = { readonly result: IteratorResult<unknown> } | { readonly thrown: unknown };

/** Reads one stream. */
class ItemReader {
  readonly #stream: ItemStream;
  readonly #codecs: readonly ValueCodec[] | undefined;
  #iterator: AsyncIterator<unknown> | undefined;
  /** What the stream was asked for and has not returned yet. */
  #next: Promise<Next> | undefined;
  #hash = '';

  constructor(stream: ItemStream, codecs: readonly ValueCodec[] | undefined) {
    this.#stream = stream;
    this.#codecs = codecs;
  }

  /** @throws {RunnerError} `invalid_input` when the stream cannot be read. */
  async read({ skip, hash, count }: ReadCommand): Promise<Read> {
    if (this.#iterator === undefined) {
      this.#iterator = this.#open();
      if (skip > 0) await this.#skip(skip, hash);
    }
    const items: unknown[] = [];
    let isEnd = false;
    let turn: Promise<undefined> | undefined;
    while (items.length < count && !isEnd) {
      this.#next ??= this.#ask(this.#iterator);
      // The first items may begin while a slow stream makes the others.
      const next = turn === undefined ? await this.#next : await Promise.race([this.#next, turn]);
      if (next === undefined || ('thrown' in next && items.length > 0)) break;
      this.#next = undefined;
      const result = this.#resultOf(next);
      isEnd = result.done === true;
      if (isEnd) break;
      await this.#add(result.value);
      items.push(result.value);
      turn ??= endOfTurn();
    }
    return { items, hash: this.#hash, isEnd };
  }

  /** Ends the reading of what is left. */
  close(): void {
    const iterator = this.#iterator;
    // A stream that cannot be closed has nothing to say about the run, which is over.
    Promise.resolve(iterator?.return?.()).catch(() => {});
  }

  #open(): AsyncIterator<unknown> {
    const { name, open } = this.#stream;
    let opened: unknown;
    try {
      opened = open();
      const items = Object(opened) as Partial<AsyncIterable<unknown>>;
      if (items[Symbol.asyncIterator] !== undefined) {
        return (items as AsyncIterable<unknown>)[Symbol.asyncIterator]();
      }
    } catch (thrown) {
      throw unreadable(name, thrown);
    }
    const message = `the stream "${name}" must open an async iterable; it opened ${show(opened)}`;
    throw new RunnerError('invalid_input', message);
  }

  /** The items that the run has read before have to be the same. */
  async #skip(count: number, hash: string | undefined): Promise<void> {
    const { name } = this.#stream;
    const remedy = 'restore them, or start a new run; with reuse, it asks only for changed items';
    for (let read = 0; read < count; read++) {
      const { done, value } = this.#resultOf(
        await this.#ask(this.#iterator as AsyncIterator<unknown>),
      );
      if (done) {
        const message = `${name} has only ${read} items now, and this run has read ${count}: ${remedy}`;
        throw new RunnerError('invalid_input', message);
      }
      await this.#add(value);
    }
    if (hash === undefined || hash === this.#hash) return;
    const message = `the first ${count} items of ${name} are not those that this run has read: ${remedy}`;
    throw new RunnerError('invalid_input', message);
  }

  async #ask(iterator: AsyncIterator<unknown>): Promise<Next> {
    try {
      return { result: await iterator.next() };
    } catch (thrown) {
      return { thrown };
    }
  }

  #resultOf(next: Next): IteratorResult<unknown> {
    if ('result' in next) return next.result;
    throw unreadable(this.#stream.name, next.thrown);
  }

  /** Adds an item to the hash. */
  async #add(item: unknown): Promise<void> {
    if (this.#codecs === undefined) return;
    const hash = sha256(`${this.#hash} ${canonicalText(item, this.#codecs)}`);
    this.#hash = typeof hash === 'string' ? hash : await hash;
  }
}

function unreadable(name: string, thrown: unknown): RunnerError {
  const why = describe(thrown);
  // The message of a file has its name already, with the line.
  const message = why.includes(name.replace(/^\.\//, '')) ? why : `${name} cannot be read: ${why}`;
  return new RunnerError('invalid_input', message, { cause: thrown });
}

/** Resolves when other work has had its turn. */
function endOfTurn(): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), 0);
  });
}
