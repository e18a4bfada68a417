import type { ValueCodec } from '../contract/codec.js';
import type { Json } from '../contract/journal.js';
import { TAG, toData } from './value.js';

/** JSON text that does not depend on the order of fields. */
export function canonical(data: Json | undefined): string {
  if (typeof data !== 'object' || data === null) return JSON.stringify(data) ?? 'undefined';
  if (Array.isArray(data)) return `[${data.map(canonical).join(',')}]`;
  const fields = data as { readonly [field: string]: Json };
  const written = Object.keys(fields)
    .sort()
    .map((field) => `${JSON.stringify(field)}:${canonical(fields[field])}`);
  return `{${written.join(',')}}`;
}

/**
 * The canonical text of the data of a value: `canonical(toData(value))`, in one walk for plain values.
 *
 * @throws {UnstorableError} as `toData`, with a path inside the part that cannot be stored.
 */
export function canonicalText(value: unknown, codecs?: readonly ValueCodec[], depth = 0): string {
  // A value that contains itself is not plain either; `toData` says what is wrong with it.
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) {
    return canonical(toData(value, codecs));
  }
  const isList = Array.isArray(value);
  const names = Object.keys(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = isList
    ? names.length === value.length
    : (prototype === Object.prototype || prototype === null) && !Object.hasOwn(value, TAG);
  if (!isPlain || Object.getOwnPropertySymbols(value).length > 0) {
    return canonical(toData(value, codecs));
  }
  let text = '';
  for (const name of isList ? names : names.sort()) {
    const part = (value as Readonly<Record<string, unknown>>)[name];
    const isText = typeof part === 'string' || typeof part === 'boolean';
    const isNumber = Number.isFinite(part) && !Object.is(part, -0);
    const written =
      isText || isNumber ? JSON.stringify(part) : canonicalText(part, codecs, depth + 1);
    text += `${text && ','}${isList ? '' : `${JSON.stringify(name)}:`}${written}`;
  }
  return isList ? `[${text}]` : `{${text}}`;
}

/** Deeper values are left to `toData`. */
const MAX_DEPTH = 100;
