import { describe, OptionError } from './errors.js';

/**
 * Keeps instances of a class of yours in journals, on wires and between tasks: they are stored as other
 * values, and each task gets a copy of its own.
 *
 * @example
 * const money: ValueCodec<Money> = {
 *   name: 'money',
 *   test: (value) => value instanceof Money,
 *   encode: ({ amount, currency }) => [amount, currency],
 *   decode: ([amount, currency]) => new Money(amount, currency),
 * };
 * createExecutor({ strategy: parallel(), codecs: [money], journal });
 */
// biome-ignore lint/suspicious/noExplicitAny: a list holds codecs of several classes
export interface ValueCodec<Value = any, Data = any> {
  /** Names the class in records. A record needs it for as long as it is read. */
  readonly name: string;
  /** Whether a value is an instance of the class. */
  test(value: unknown): boolean;
  /** A value that can be stored: plain data, dates, bytes, maps, sets, instances with other codecs. */
  encode(value: Value): Data;
  decode(data: Data): Value;
}

export const NO_CODECS: readonly ValueCodec[] = [];

/** @throws {OptionError} when it is not a list of codecs with names of their own. */
export function checkCodecs(owner: string, codecs: readonly ValueCodec[]): void {
  const names = new Set<unknown>();
  for (const codec of Array.isArray(codecs) ? codecs : [undefined]) {
    const { name, test, encode, decode } = Object(codec) as ValueCodec;
    const isCodec = [test, encode, decode].every((each) => typeof each === 'function');
    if (!isCodec || typeof name !== 'string' || name === '' || names.has(name)) {
      const message = 'codecs must be a list of { name, test, encode, decode }, each name once';
      throw new OptionError(`${owner}: ${message}`);
    }
    names.add(name);
  }
}

/** The codec of an instance. */
export function codecOf(value: object, codecs: readonly ValueCodec[]): ValueCodec | undefined {
  return codecs.length === 0 ? undefined : codecs.find((codec) => codec.test(value));
}

/** @throws {TypeError} naming the codec. */
export function encodeWith(codec: ValueCodec, value: unknown): unknown {
  return attempt(codec, () => codec.encode(value));
}

/** @throws {TypeError} naming the codec. */
export function decodeWith(codec: ValueCodec, data: unknown): unknown {
  return attempt(codec, () => codec.decode(data));
}

function attempt<T>({ name }: ValueCodec, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const message = `a value that the codec "${name}" cannot convert: ${describe(cause)}`;
    throw new TypeError(message, { cause });
  }
}
