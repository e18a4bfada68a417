import type { ValueCodec } from '../contract/codec.js';
import { describe, RunnerError, show } from '../contract/errors.js';
import type { StreamPosition } from '../contract/event.js';
import { type ItemStream, streamOf } from '../contract/for-each.js';
import { keep } from '../contract/value.js';
import { TaskKind } from '../graph/task-kind.js';
import type { ReadCommand } from '../kernel/command.js';
import type { Kernel } from '../kernel/kernel.js';
import { canonicalText } from '../serialize/canonical.js';
import { toData } from '../serialize/value.js';
import { isThenable } from '../util/promise.js';
import { sha256 } from '../util/sha256.js';
import type { Input } from './input.js';
import type { RunSettings } from './settings.js';

/** Items of a read are one event: no more are read once their texts have this length together. */
const MAX_LENGTH = 2 ** 20;
/** After so many items that are passed over, other work has its turn. */
const SKIPPED_PER_TURN = 2_048;

/**
 * So many streams are open at once, such as files; the next ones wait for a place. Items of a stream wait for the
 * streams inside of them, so each depth has places of its own.
 */
const MAX_OPEN = 64;

/** The streams of one depth. */
interface Depth {
  open: number;
  /** What was asked of streams without a place, by the index of the fan-out. */
  readonly waiting: Map<number, ReadCommand>;
}

/** Reads the streams of fan-outs, as far as the kernel asks for their items. */
export class ItemReaders {
  readonly #settings: Pick<RunSettings, 'record' | 'codecs'>;
  readonly #kernel: Kernel;
  readonly #take: (input: Input) => void;
  /** By the index of the fan-out. */
  readonly #readers = new Map<number, ItemReader>();
  readonly #depths: Depth[] = [];

  constructor(
    settings: Pick<RunSettings, 'record' | 'codecs'>,
    kernel: Kernel,
    take: (input: Input) => void,
  ) {
    this.#settings = settings;
    this.#kernel = kernel;
    this.#take = take;
  }

  async read(command: ReadCommand): Promise<void> {
    const { index, skip } = command;
    const reader = this.#readers.get(index) ?? this.#open(command);
    if (reader === undefined) return;
    try {
      const { items, ...stream } = await reader.read(command);
      if (stream.isEnd) this.#release(index);
      this.#take({ type: 'itemsRead', index, skip, items, stream });
    } catch (thrown) {
      this.end(index);
      this.#take({ type: 'readFailed', index, skip, thrown });
    }
  }

  /** The run has ended: nothing is read any more. */
  close(): void {
    for (const { waiting } of this.#depths) waiting.clear();
    for (const index of this.#readers.keys()) this.end(index);
  }

  /** A fan-out needs no more items. */
  end(index: number): void {
    this.#depthOf(index).waiting.delete(index);
    this.#readers.get(index)?.close();
    this.#release(index);
  }

  /** @returns undefined while the stream waits for a place. */
  #open(command: ReadCommand): ItemReader | undefined {
    const { index } = command;
    const depth = this.#depthOf(index);
    if (depth.open >= MAX_OPEN) {
      depth.waiting.set(index, command);
      return undefined;
    }
    depth.open++;
    const stream = streamOf(this.#kernel.graph.taskOf(index)) as ItemStream;
    const { record, codecs } = this.#settings;
    const reader = new ItemReader(stream, codecs, record !== undefined);
    this.#readers.set(index, reader);
    return reader;
  }

  /** Gives the place of a stream to the next one. */
  #release(index: number): void {
    if (!this.#readers.delete(index)) return;
    const depth = this.#depthOf(index);
    depth.open--;
    const [next] = depth.waiting.values();
    if (next === undefined) return;
    depth.waiting.delete(next.index);
    void this.read(next);
  }

  /** The streams inside of the items of as many others. */
  #depthOf(index: number): Depth {
    const { graph } = this.#kernel;
    let depth = 0;
    for (let at = graph.parentOf(index); at !== undefined; at = graph.parentOf(at)) {
      if ((graph.kindOf(at) & TaskKind.stream) !== 0) depth++;
    }
    while (this.#depths.length <= depth) this.#depths.push({ open: 0, waiting: new Map() });
    return this.#depths[depth] as Depth;
  }
}

/** Items of a stream, and how far it has been read with them. */
interface Read extends StreamPosition {
  readonly items: readonly unknown[];
}

/** What a stream returned, or threw. */
type Next =
  | { readonly isEnd: true }
  | { readonly item: unknown; readonly text: string }
  | { readonly thrown: unknown };

/** Reads one stream. */
class ItemReader {
  readonly #stream: ItemStream;
  readonly #codecs: readonly ValueCodec[];
  /** Otherwise nothing is compared later. */
  readonly #isRecorded: boolean;
  #iterator: AsyncIterator<unknown> | undefined;
  /** What the stream was asked for and has not returned yet. */
  #next: Promise<Next> | undefined;
  #count = 0;
  #hash = '';
  #isClosed = false;

  constructor(stream: ItemStream, codecs: readonly ValueCodec[], isRecorded: boolean) {
    this.#stream = stream;
    this.#codecs = codecs;
    this.#isRecorded = isRecorded;
  }

  /** @throws {RunnerError} `invalid_input` when the stream cannot be read. */
  async read({ skip, hash, count }: ReadCommand): Promise<Read> {
    if (this.#iterator === undefined) {
      this.#iterator = this.#open();
      if (skip > 0) await this.#skip(this.#iterator, skip, hash);
    }
    const items: unknown[] = [];
    let length = 0;
    let isEnd = false;
    let turn: Promise<undefined> | undefined;
    while (items.length < count && length < MAX_LENGTH && !this.#isClosed) {
      this.#next ??= this.#ask(this.#iterator);
      // The first items may begin while a slow stream makes the others.
      const next = turn === undefined ? await this.#next : await Promise.race([this.#next, turn]);
      if (next === undefined || ('thrown' in next && items.length > 0)) break;
      this.#next = undefined;
      if ('thrown' in next) throw unreadable(this.#stream.name, next.thrown);
      isEnd = 'isEnd' in next;
      if ('isEnd' in next) break;
      await this.#add(next.text);
      items.push(next.item);
      length += next.text.length;
      turn ??= endOfTurn();
    }
    return { items, hash: this.#hash, isEnd };
  }

  /** Ends the reading of what is left. */
  close(): void {
    this.#isClosed = true;
    // A stream that cannot be closed has nothing to say about the run.
    const end = async () => this.#iterator?.return?.();
    end().catch(() => {});
  }

  #open(): AsyncIterator<unknown> {
    const { name } = this.#stream;
    let opened: unknown;
    try {
      opened = this.#stream.open();
      const items = Object(opened) as Partial<AsyncIterable<unknown>>;
      if (items[Symbol.asyncIterator] !== undefined) {
        return (items as AsyncIterable<unknown>)[Symbol.asyncIterator]();
      }
    } catch (thrown) {
      throw unreadable(name, thrown);
    }
    if (isThenable(opened)) Promise.resolve(opened).catch(() => {});
    const message = `the stream "${name}" must open an async iterable; it opened ${show(opened)}`;
    throw new RunnerError('invalid_input', message);
  }

  /** The items that the run has read before have to be the same. */
  async #skip(
    iterator: AsyncIterator<unknown>,
    count: number,
    hash: string | undefined,
  ): Promise<void> {
    const { name } = this.#stream;
    const remedy = 'restore them, or start a new run; with reuse, it asks only for changed items';
    for (let read = 0; read < count && !this.#isClosed; read++) {
      const next = await this.#ask(iterator);
      if ('thrown' in next) throw unreadable(name, next.thrown);
      if ('isEnd' in next) {
        const message = `${name} has only ${read} items now, and this run has read ${count}: ${remedy}`;
        throw new RunnerError('invalid_input', message);
      }
      await this.#add(next.text);
      if (read % SKIPPED_PER_TURN === SKIPPED_PER_TURN - 1) await endOfTurn();
    }
    if (hash === undefined || hash === this.#hash) return;
    const message = `the first ${count} items of ${name} are not those that this run has read: ${remedy}`;
    throw new RunnerError('invalid_input', message);
  }

  /** Takes the next item at once as it is: a stream may change it when it is asked for another one. */
  async #ask(iterator: AsyncIterator<unknown>): Promise<Next> {
    try {
      const { done, value } = await iterator.next();
      if (done) return { isEnd: true };
      const which = `item ${++this.#count} of ${this.#stream.name}`;
      const item = orRefuse(`${which} has`, () => keep(value, { codecs: this.#codecs }));
      if (!this.#isRecorded) return { item, text: '' };
      const refusal = `${which} cannot be stored in the journal:`;
      return { item, text: orRefuse(refusal, () => this.#textOf(item)) };
    } catch (thrown) {
      return { thrown };
    }
  }

  #textOf(item: unknown): string {
    try {
      return canonicalText(item, this.#codecs);
    } catch (thrown) {
      // Its error has the whole path.
      toData(item, this.#codecs);
      throw thrown;
    }
  }

  /** Adds the text of an item to the hash. */
  async #add(text: string): Promise<void> {
    if (!this.#isRecorded) return;
    const hash = sha256(`${this.#hash} ${text}`);
    this.#hash = typeof hash === 'string' ? hash : await hash;
  }
}

/** @throws {TypeError} with these words before the reason. */
function orRefuse<Value>(refusal: string, make: () => Value): Value {
  try {
    return make();
  } catch (thrown) {
    throw new TypeError(`${refusal} ${describe(thrown)}`, { cause: thrown });
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
