import { codecOf, decodeWith, encodeWith, NO_CODECS, type ValueCodec } from '../contract/codec.js';
import { isStratagemError, OptionError, show } from '../contract/errors.js';
import type { Json } from '../contract/journal.js';
import { isChangeable, isPlain } from '../contract/value.js';
import { fromBase64, toBase64 } from '../util/base64.js';
import { isLate } from '../util/promise.js';
import { reviveError, reviveForeignError } from './error.js';

/**
 * Marks a value that JSON lacks: `{ "$": "date", "value": 0 }`. An object with such a field of its own
 * is wrapped as an `object`.
 */
export const TAG = '$';

/** A value that is deeper is assumed to contain itself. */
const MAX_DEPTH = 1_000;

/** A value that cannot be stored. The message has its path and kind: `rows[3].done is a function`. */
export class UnstorableError extends TypeError {
  constructor(path: readonly (string | number)[], what: string) {
    const place = path.reduce<string>(
      (text, step) => (typeof step === 'number' ? `${text}[${step}]` : `${text}.${step}`),
      '',
    );
    super(`${place === '' ? 'it' : place.replace(/^\./, '')} is ${what}`);
  }
}

/**
 * Encodes a value as JSON, for `fromData` to decode. A value that is plain JSON stays the same object.
 * Supported besides JSON: undefined, NaN, the infinities, -0, bigint, dates, maps, sets, bytes and typed
 * arrays, instances with a codec, and errors. Of an error it keeps name, message, code, cause and
 * errors; of our own errors their fields, and no cause.
 *
 * @throws {UnstorableError} for functions, symbols, instances of other classes, lists with properties,
 * properties with symbol keys, and cyclic values.
 */
export function toData(value: unknown, codecs: readonly ValueCodec[] = NO_CODECS): Json {
  return encode(value, [], { fail: refuse, codecs });
}

/** Like `toData`, but a value that cannot be stored becomes a text that describes it. */
export function toDataLoosely(value: unknown, codecs: readonly ValueCodec[] = NO_CODECS): Json {
  return encode(value, [], { fail: (_, what) => `[${what}]`, codecs });
}

interface Encoding {
  readonly fail: (path: readonly (string | number)[], what: string) => Json;
  readonly codecs: readonly ValueCodec[];
}

function refuse(path: readonly (string | number)[], what: string): never {
  throw new UnstorableError(path, what);
}

function encode(value: unknown, path: (string | number)[], how: Encoding): Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : tagged('number', Object.is(value, -0) ? '-0' : String(value));
    case 'object':
      if (value === null) return null;
      if (path.length > MAX_DEPTH) return how.fail([], 'nested too deeply, or contains itself');
      return Array.isArray(value) ? encodeList(value, path, how) : encodeObject(value, path, how);
    case 'undefined':
      return { [TAG]: 'undefined' };
    case 'bigint':
      return tagged('bigint', String(value));
    default:
      return how.fail(path, `a ${typeof value}`);
  }
}

/** Longer lists are not searched for properties, such as those of a match of a regular expression. */
const MAX_SEARCHED = 100;

function encodeList(list: readonly unknown[], path: (string | number)[], how: Encoding): Json {
  if (list.length <= MAX_SEARCHED && hasProperties(list)) {
    return how.fail(path, 'a list with properties of its own');
  }
  let copy: Json[] | undefined;
  for (let position = 0; position < list.length; position++) {
    const item = list[position];
    path.push(position);
    const data = encode(item, path, how);
    path.pop();
    if (data !== item && copy === undefined) copy = list.slice(0, position) as Json[];
    copy?.push(data);
  }
  return copy ?? (list as Json[]);
}

/** The keys of properties come after those of items. */
function hasProperties(list: readonly unknown[]): boolean {
  const last = Object.keys(list).at(-1);
  return (last !== undefined && !(Number(last) < list.length)) || hasSymbols(list);
}

function hasSymbols(value: object): boolean {
  return Object.getOwnPropertySymbols(value).length > 0;
}

function encodeObject(value: object, path: (string | number)[], how: Encoding): Json {
  if (!isPlain(value)) return encodeInstance(value, path, how);
  if (hasSymbols(value)) return how.fail(path, 'an object with a symbol as a key');
  const fields = value as Record<string, unknown>;
  const copy = encodeFields(fields, path, how);
  return Object.hasOwn(fields, TAG) ? tagged('object', copy) : copy;
}

function encodeFields(
  fields: Record<string, unknown>,
  path: (string | number)[],
  how: Encoding,
): Record<string, Json> {
  let copy: Record<string, Json> | undefined;
  for (const key of Object.keys(fields)) {
    const field = fields[key];
    path.push(key);
    const data = encode(field, path, how);
    path.pop();
    if (data === field) continue;
    copy ??= { ...fields } as Record<string, Json>;
    put(copy, key, data);
  }
  return copy ?? (fields as Record<string, Json>);
}

function encodeInstance(value: object, path: (string | number)[], how: Encoding): Json {
  const codec = codecOf(value, how.codecs);
  if (codec !== undefined) {
    const data = encode(encodeWith(codec, value), path, how);
    return { [TAG]: 'custom', name: codec.name, value: data };
  }
  if (value instanceof Error) return encodeError(value, path, how);
  const { name = 'a class' } = (value as { constructor?: { name?: unknown } }).constructor ?? {};
  if (isChangeable(value)) {
    if (value instanceof Date) {
      const time = value.getTime();
      return tagged('date', Number.isNaN(time) ? null : time);
    }
    if (value instanceof Map) return tagged('map', encode([...value], path, how));
    if (value instanceof Set) return tagged('set', encode([...value], path, how));
    if (bytesOf(String(name), new Uint8Array(0)) !== undefined) return encodeBytes(value, name);
  }
  // A promise that nobody else will look at must not end the process.
  isLate(value);
  return how.fail(path, `an instance of ${show(name)}`);
}

function encodeBytes(value: object, name: unknown): Json {
  const { buffer = value, byteOffset = 0, byteLength } = value as Uint8Array;
  const bytes = toBase64(new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength));
  const data = tagged('bytes', bytes) as object;
  return name === 'Uint8Array' ? (data as Json) : ({ ...data, type: name } as Json);
}

/** Bytes as a typed array, a buffer or a view; undefined when there is no such type. */
function bytesOf(type: string, bytes: Uint8Array<ArrayBuffer>): unknown {
  if (type === 'Uint8Array') return bytes;
  if (type === 'ArrayBuffer') return bytes.buffer;
  if (type === 'Buffer') return globalThis.Buffer?.from(bytes.buffer) ?? bytes;
  if (type !== 'DataView' && !/^(Uint|Int|Float|BigInt|BigUint)\d+(Clamped)?Array$/.test(type)) {
    return undefined;
  }
  const Type = (globalThis as Record<string, unknown>)[type] as
    | (new (
        buffer: ArrayBuffer,
      ) => object)
    | undefined;
  return Type && new Type(bytes.buffer);
}

function encodeError(error: Error, path: (string | number)[], how: Encoding): Json {
  const { name, message } = error;
  const texts = { name: show(name), message: show(message) };
  if (isStratagemError(error)) {
    const { cause: _, ...known } = { ...error };
    return { [TAG]: 'error', ...encodeFields(known, path, how), ...texts };
  }
  // An SDK may attach secrets to its errors, in other fields.
  const given = error as unknown as Record<string, unknown>;
  const kept = ['code', 'cause', 'errors'].filter((field) => given[field] !== undefined);
  const fields = Object.fromEntries(kept.map((field) => [field, given[field]]));
  return { [TAG]: 'foreign_error', ...encodeFields(fields, path, how), ...texts };
}

function tagged(kind: string, value: Json): Json {
  return { [TAG]: kind, value };
}

/**
 * Decodes the data of `toData`.
 *
 * @param codecs Without them, what a codec has encoded is returned as it is.
 * @throws {OptionError} when a codec is missing.
 */
export function fromData(data: Json, codecs?: readonly ValueCodec[]): unknown {
  if (typeof data !== 'object' || data === null) return data;
  if (Array.isArray(data)) {
    let copy: unknown[] | undefined;
    for (let position = 0; position < data.length; position++) {
      const value = fromData(data[position] as Json, codecs);
      if (value === data[position]) continue;
      copy ??= data.slice();
      copy[position] = value;
    }
    return copy ?? data;
  }
  const fields = data as Readonly<Record<string, Json>>;
  return Object.hasOwn(fields, TAG) ? revive(fields, codecs) : reviveFields(fields, codecs);
}

function reviveFields(
  fields: Readonly<Record<string, Json>>,
  codecs: readonly ValueCodec[] | undefined,
): Record<string, unknown> {
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(fields)) {
    const value = fromData(fields[key] as Json, codecs);
    if (value === fields[key]) continue;
    copy ??= { ...fields };
    put(copy, key, value);
  }
  return copy ?? fields;
}

function revive(
  fields: Readonly<Record<string, Json>>,
  codecs: readonly ValueCodec[] | undefined,
): unknown {
  const value = fields.value as Json;
  switch (fields[TAG]) {
    case 'undefined':
      return undefined;
    case 'number':
      return Number(value);
    case 'bigint':
      return BigInt(value as string);
    case 'date':
      return new Date(value === null ? Number.NaN : (value as number));
    case 'bytes':
      return bytesOf((fields.type as string) ?? 'Uint8Array', fromBase64(value as string));
    case 'map':
      return new Map(fromData(value, codecs) as [unknown, unknown][]);
    case 'set':
      return new Set(fromData(value, codecs) as unknown[]);
    case 'object':
      return reviveFields(value as Readonly<Record<string, Json>>, codecs);
    case 'error': {
      const { [TAG]: _, ...rest } = fields;
      return reviveError(reviveFields(rest, codecs));
    }
    case 'foreign_error':
      return reviveForeignError(reviveFields(fields, codecs));
    case 'custom':
      return reviveCustom(String(fields.name), fromData(value, codecs), codecs);
    default:
      throw new TypeError(`unknown kind of value "${show(fields[TAG])}"`);
  }
}

function reviveCustom(
  name: string,
  data: unknown,
  codecs: readonly ValueCodec[] | undefined,
): unknown {
  if (codecs === undefined) return data;
  const codec = codecs.find((each) => each.name === name);
  if (codec !== undefined) return decodeWith(codec, data);
  throw new OptionError(`a value needs the codec "${name}"; pass it in codecs`);
}

/** Assigns a field, also if its name is `__proto__`. */
function put(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') object[key] = value;
  else {
    const field = { value, enumerable: true, configurable: true, writable: true };
    Object.defineProperty(object, key, field);
  }
}
