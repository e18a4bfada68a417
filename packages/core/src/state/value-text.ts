import { toBase64 } from '../util/base64.js';

/**
 * A value as text for a model: strings as they are, other values as JSON. What JSON lacks is written by
 * its contents: a map as an object or as a list of pairs, a set as a list, an error by its message,
 * bytes in base64, a regular expression and NaN as they are written in code.
 *
 * @throws {TypeError} for a value that contains itself.
 */
export function valueText(value: unknown, indent?: number): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  return JSON.stringify(value, writable, indent);
}

/** @param value What `toJSON` has returned, where there is one. */
function writable(this: unknown, key: string, value: unknown): unknown {
  const given = (this as Readonly<Record<string, unknown>>)[key];
  if (typeof given === 'bigint') return String(given);
  if (typeof given === 'number') return Number.isFinite(given) ? given : String(given);
  return typeof given === 'object' && given !== null ? contentsOf(given, value) : value;
}

function contentsOf(given: object, value: unknown): unknown {
  if (ArrayBuffer.isView(given)) {
    return given instanceof Uint8Array || given instanceof DataView
      ? toBase64(new Uint8Array(given.buffer, given.byteOffset, given.byteLength))
      : Array.from(given as Float64Array);
  }
  if ('toJSON' in given) return value;
  if (given instanceof Map) {
    const entries = [...given];
    const isRecord = entries.every(([key]) => typeof key === 'string');
    return isRecord ? Object.fromEntries(entries) : entries;
  }
  if (given instanceof Set) return [...given];
  if (given instanceof RegExp) return String(given);
  if (given instanceof ArrayBuffer) return toBase64(new Uint8Array(given));
  if (!(given instanceof Error)) return value;
  const { name, message, code, cause, errors } = given as Partial<AggregateError> & {
    readonly code?: unknown;
  };
  return { name, message, code, cause, errors };
}
