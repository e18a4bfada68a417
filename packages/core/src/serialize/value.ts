import { isStratagemError, show } from '../contract/errors.js';
import type { Json } from '../contract/journal.js';
import { reviveError } from './error.js';

/**
 * Marks a value that JSON lacks: `{ "$": "date", "value": 0 }`. An object with such a field of its own
 * is wrapped as an `object`.
 */
const TAG = '$';

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
 * Supported besides JSON: undefined, NaN, the infinities, -0, bigint, dates, bytes, maps, sets and
 * errors (name, code, message and the fields of our own errors; no stack, no cause).
 *
 * @throws {UnstorableError} for functions, symbols, instances of other classes and cyclic values.
 */
export function toData(value: unknown): Json {
  return encode(value, [], refuse);
}

/** Like `toData`, but a value that cannot be stored becomes a text that describes it. */
export function toDataLoosely(value: unknown): Json {
  return encode(value, [], (_, what) => `[${what}]`);
}

type Refuse = (path: readonly (string | number)[], what: string) => Json;

function refuse(path: readonly (string | number)[], what: string): never {
  throw new UnstorableError(path, what);
}

function encode(value: unknown, path: (string | number)[], fail: Refuse): Json {
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
      if (path.length > MAX_DEPTH) return fail([], 'nested too deeply, or contains itself');
      return Array.isArray(value) ? encodeList(value, path, fail) : encodeObject(value, path, fail);
    case 'undefined':
      return { [TAG]: 'undefined' };
    case 'bigint':
      return tagged('bigint', String(value));
    default:
      return fail(path, `a ${typeof value}`);
  }
}

function encodeList(list: readonly unknown[], path: (string | number)[], fail: Refuse): Json {
  let copy: Json[] | undefined;
  for (let position = 0; position < list.length; position++) {
    const item = list[position];
    path.push(position);
    const data = encode(item, path, fail);
    path.pop();
    if (data !== item && copy === undefined) copy = list.slice(0, position) as Json[];
    copy?.push(data);
  }
  return copy ?? (list as Json[]);
}

function encodeObject(value: object, path: (string | number)[], fail: Refuse): Json {
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
  if (!isPlain) return encodeInstance(value, path, fail);
  const fields = value as Record<string, unknown>;
  const copy = encodeFields(fields, path, fail);
  return Object.hasOwn(fields, TAG) ? tagged('object', copy) : copy;
}

function encodeFields(
  fields: Record<string, unknown>,
  path: (string | number)[],
  fail: Refuse,
): Record<string, Json> {
  let copy: Record<string, Json> | undefined;
  for (const key of Object.keys(fields)) {
    const field = fields[key];
    path.push(key);
    const data = encode(field, path, fail);
    path.pop();
    if (data === field) continue;
    copy ??= { ...fields } as Record<string, Json>;
    put(copy, key, data);
  }
  return copy ?? (fields as Record<string, Json>);
}

function encodeInstance(value: object, path: (string | number)[], fail: Refuse): Json {
  if (value instanceof Date) {
    const time = value.getTime();
    return tagged('date', Number.isNaN(time) ? null : time);
  }
  if (value instanceof Uint8Array) return tagged('bytes', toBase64(value));
  if (value instanceof Map) return tagged('map', encode([...value], path, fail));
  if (value instanceof Set) return tagged('set', encode([...value], path, fail));
  if (value instanceof Error) return encodeError(value, path, fail);
  const { name = 'a class' } = (value as { constructor?: { name?: unknown } }).constructor ?? {};
  return fail(path, `an instance of ${show(name)}`);
}

function encodeError(error: Error, path: (string | number)[], fail: Refuse): Json {
  const { name, message } = error;
  // An SDK may attach secrets to its errors; our own errors have none.
  const { cause: _, ...known } = isStratagemError(error) ? { ...error } : { cause: undefined };
  const fields = encodeFields(known, path, fail);
  return { [TAG]: 'error', ...fields, name: show(name), message: show(message) };
}

function tagged(kind: string, value: Json): Json {
  return { [TAG]: kind, value };
}

/** Decodes the data of `toData`. */
export function fromData(data: Json): unknown {
  if (typeof data !== 'object' || data === null) return data;
  if (Array.isArray(data)) {
    let copy: unknown[] | undefined;
    for (let position = 0; position < data.length; position++) {
      const value = fromData(data[position] as Json);
      if (value === data[position]) continue;
      copy ??= data.slice();
      copy[position] = value;
    }
    return copy ?? data;
  }
  const fields = data as Readonly<Record<string, Json>>;
  return Object.hasOwn(fields, TAG) ? revive(fields) : reviveFields(fields);
}

function reviveFields(fields: Readonly<Record<string, Json>>): Record<string, unknown> {
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(fields)) {
    const value = fromData(fields[key] as Json);
    if (value === fields[key]) continue;
    copy ??= { ...fields };
    put(copy, key, value);
  }
  return copy ?? fields;
}

function revive(fields: Readonly<Record<string, Json>>): unknown {
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
      return fromBase64(value as string);
    case 'map':
      return new Map(fromData(value) as [unknown, unknown][]);
    case 'set':
      return new Set(fromData(value) as unknown[]);
    case 'object':
      return reviveFields(value as Readonly<Record<string, Json>>);
    case 'error': {
      const { [TAG]: _, ...rest } = fields;
      return reviveError(reviveFields(rest));
    }
    default:
      throw new TypeError(`unknown kind of value "${show(fields[TAG])}"`);
  }
}

/** Assigns a field, also if its name is `__proto__`. */
function put(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') object[key] = value;
  else {
    const field = { value, enumerable: true, configurable: true, writable: true };
    Object.defineProperty(object, key, field);
  }
}

/** The number of arguments of one call: more would overflow the stack. */
const CHUNK = 8_192;

function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += CHUNK) {
    text += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  }
  return btoa(text);
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
