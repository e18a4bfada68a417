import { isThenable } from '../util/promise.js';
import { codecOf, decodeWith, encodeWith, NO_CODECS, type ValueCodec } from './codec.js';

/** Values are followed to this depth. */
const MAX_DEPTH = 1_000;
/** Values with more parts than this are remembered, so that no task walks through them again. */
const LARGE = 50;

/** Large values that are frozen in all their parts, with their bounds in bytes. */
const frozen = new WeakMap<object, number>();
/** Kept values with parts that cannot be frozen, and the codecs that copy instances. */
const copied = new WeakMap<object, readonly ValueCodec[]>();
let isAnyCopied = false;

/** Whether an object is neither a list nor an instance of a class. */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  // The prototype of objects from another realm.
  return Object.getPrototypeOf(prototype) === null;
}

/** Dates, maps, sets and bytes: freezing them would not prevent changes. Not subclasses of them. */
export function isChangeable(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return (
    prototype === Date.prototype ||
    prototype === Map.prototype ||
    prototype === Set.prototype ||
    prototype === ArrayBuffer.prototype ||
    ArrayBuffer.isView(value)
  );
}

export interface KeepOptions {
  readonly codecs?: readonly ValueCodec[] | undefined;
  /** The maximum length of the value as JSON, in bytes. */
  readonly maxBytes?: number | undefined;
}

/**
 * Makes a value one that nobody can change any more, and returns it: lists and plain objects are
 * frozen. A value with dates, maps, sets, bytes or instances with codecs is copied instead, here and for
 * each reader ({@link handOn}). Instances of other classes stay as they are.
 *
 * @throws {TypeError} for promises, whose rejections are handled, and for values of too many bytes. The
 * message continues a sentence: `its output has …`.
 */
export function keep(value: unknown, options: KeepOptions = {}): unknown {
  const { codecs = NO_CODECS, maxBytes = Number.POSITIVE_INFINITY } = options;
  if (typeof value !== 'object' || value === null) {
    if (typeof value === 'function' && isThenable(value)) throw promiseIn(value);
    if (typeof value === 'string' && 6 * value.length > maxBytes) {
      requireSize(6 * value.length, value, codecs, maxBytes);
    }
    return value;
  }
  const walk = new Walk(codecs, false);
  walk.visit(value, 0);
  if (walk.hasPromise) throw promiseIn(value);
  requireSize(walk.bytes, value, codecs, maxBytes);
  if (!walk.needsCopies) {
    if (walk.parts > LARGE) frozen.set(value, walk.bytes);
    return value;
  }
  const own = new Copier(codecs, true).copy(value, 0) as object;
  if (typeof own !== 'object') return own;
  copied.set(own, codecs);
  isAnyCopied = true;
  return own;
}

/** A kept value for one more reader: the value itself, or a copy where it could be changed. */
export function handOn(value: unknown): unknown {
  if (!isAnyCopied || typeof value !== 'object' || value === null) return value;
  const codecs = copied.get(value);
  return codecs === undefined ? value : new Copier(codecs, true).copy(value, 0);
}

/** A copy of a value, down to instances of classes. */
export function copyOf(value: unknown): unknown {
  return new Copier(NO_CODECS, false).copy(value, 0);
}

/** @param bound An upper bound of the bytes. */
function requireSize(
  bound: number,
  value: unknown,
  codecs: readonly ValueCodec[],
  maxBytes: number,
): void {
  if (bound <= maxBytes) return;
  const walk = new Walk(codecs, true);
  walk.visit(value, 0, maxBytes);
  if (walk.bytes <= maxBytes) return;
  throw new TypeError(`more than ${maxBytes} bytes as JSON, which is maxOutputBytes`);
}

/** Freezes a value, and finds out what else has to be known of it. */
class Walk {
  /** The length as JSON, in bytes; an upper bound unless it is exact. */
  bytes = 0;
  parts = 0;
  needsCopies = false;
  hasPromise = false;
  readonly #codecs: readonly ValueCodec[];
  readonly #isExact: boolean;
  /** Objects that were frozen before the walk came to them, with their bytes. */
  #seen: Map<object, number> | undefined;

  constructor(codecs: readonly ValueCodec[], isExact: boolean) {
    this.#codecs = codecs;
    this.#isExact = isExact;
  }

  visit(value: unknown, depth: number, maxBytes = Number.POSITIVE_INFINITY): void {
    if (typeof value === 'string') {
      this.bytes += this.#isExact ? bytesOf(value, maxBytes - this.bytes) : 6 * value.length + 3;
    } else if (typeof value !== 'object' || value === null) {
      this.bytes += this.#isExact ? String(value).length + 1 : 26;
    } else if (depth <= MAX_DEPTH && this.bytes <= maxBytes) {
      this.#visitObject(value, depth + 1, maxBytes);
    }
  }

  #visitObject(value: object, depth: number, maxBytes: number): void {
    // Someone may have frozen the outer object alone.
    const isOld = !Object.isExtensible(value);
    if (isOld) {
      const known = this.#seen?.get(value) ?? (this.#isExact ? undefined : frozen.get(value));
      if (known !== undefined) {
        this.bytes += known;
        return;
      }
      this.#seen ??= new Map();
      this.#seen.set(value, 0);
    }
    const before = this.bytes;
    this.bytes += 3;
    this.parts++;
    if (Array.isArray(value)) {
      freeze(value);
      for (let at = 0; at < value.length; at++) this.visit(value[at], depth, maxBytes);
    } else if (isPlain(value)) this.#visitFields(value as never, depth, maxBytes);
    else this.#visitInstance(value, depth, maxBytes);
    if (isOld) this.#seen?.set(value, this.bytes - before);
  }

  #visitFields(fields: Record<string, unknown>, depth: number, maxBytes: number): void {
    // Before they are frozen: the fields of some objects are made when they are asked for.
    const keys = Object.keys(fields);
    freeze(fields);
    for (const key of keys) {
      const field = fields[key];
      this.visit(key, depth, maxBytes);
      this.visit(field, depth, maxBytes);
      if (key === 'then' && typeof field === 'function') this.hasPromise = true;
    }
  }

  #visitInstance(value: object, depth: number, maxBytes: number): void {
    const codec = codecOf(value, this.#codecs);
    if (codec !== undefined) {
      this.needsCopies = true;
      this.visit(encodeWith(codec, value), depth, maxBytes);
    } else if (isThenable(value)) this.hasPromise = true;
    else if (isChangeable(value)) {
      this.needsCopies = true;
      const { byteLength = 20 } = value as Partial<ArrayBuffer>;
      this.bytes += Math.ceil((4 * byteLength) / 3) + 30;
      if (value instanceof Map || value instanceof Set) {
        for (const item of value) this.visit(item, depth, maxBytes);
      }
    }
  }
}

/** The length of a text in JSON, in bytes; counted no further than a limit. */
function bytesOf(text: string, limit: number): number {
  let bytes = 3;
  for (let at = 0; at < text.length && bytes <= limit; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x20) bytes += '\b\t\n\f\r'.includes(text.charAt(at)) ? 2 : 6;
    else if (code < 0x80) bytes += code === 0x22 || code === 0x5c ? 2 : 1;
    else bytes += code < 0x800 || (code >= 0xd800 && code < 0xe000) ? 2 : 3;
  }
  return bytes;
}

function freeze(value: object): void {
  try {
    Object.freeze(value);
  } catch {
    // Some objects of the platform, such as process.env, cannot be frozen.
  }
}

/** Handles the rejections of all promises in a value. The error has the path of the first. */
function promiseIn(value: object): TypeError {
  const seen = new Set<object>();
  let first: string | undefined;
  const search = (each: unknown, path: string, depth: number): void => {
    if (Object(each) !== each || seen.has(each as object) || depth > MAX_DEPTH) return;
    const found = each as object;
    seen.add(found);
    if (isThenable(found)) {
      Promise.resolve(found).catch(() => {});
      first ??= path;
    } else if (found instanceof Map || found instanceof Set || Array.isArray(found)) {
      let position = 0;
      for (const item of found) search(item, `${path}[${position++}]`, depth + 1);
    } else if (isPlain(found)) {
      for (const [key, field] of Object.entries(found)) search(field, `${path}.${key}`, depth + 1);
    }
  };
  search(value, '', 0);
  const place = first ? ` at ${first.replace(/^\./, '')}` : '';
  return new TypeError(`a promise${place}; await it first`);
}

/** Copies lists, plain objects, and what can be changed although they are frozen. */
class Copier {
  readonly #codecs: readonly ValueCodec[];
  /** Whether parts without anything to copy are shared; the others are frozen then. */
  readonly #shares: boolean;
  readonly #copies = new Map<object, unknown>();

  constructor(codecs: readonly ValueCodec[], shares: boolean) {
    this.#codecs = codecs;
    this.#shares = shares;
  }

  copy(value: unknown, depth: number): unknown {
    if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return value;
    if (this.#copies.has(value)) return this.#copies.get(value);
    // Until it is copied: it may contain itself.
    this.#copies.set(value, value);
    const copy = this.#copyOf(value, depth + 1);
    this.#copies.set(value, copy);
    return copy;
  }

  #copyOf(value: object, depth: number): unknown {
    if (!Array.isArray(value) && !isPlain(value)) return this.#copyOfInstance(value, depth);
    const fields = value as Record<string, unknown>;
    const copy: Record<string, unknown> = Array.isArray(value)
      ? new Array(value.length)
      : Object.create(Object.getPrototypeOf(value));
    let isSame = this.#shares;
    for (const key of Object.keys(fields)) {
      const field = fields[key];
      const own = this.copy(field, depth);
      isSame &&= Object.is(own, field);
      // Also if its name is __proto__.
      const how = { value: own, enumerable: true, configurable: true, writable: true };
      Object.defineProperty(copy, key, how);
    }
    if (isSame) return value;
    return this.#shares ? Object.freeze(copy) : copy;
  }

  #copyOfInstance(value: object, depth: number): unknown {
    const codec = codecOf(value, this.#codecs);
    if (codec !== undefined) return decodeWith(codec, this.copy(encodeWith(codec, value), depth));
    if (!isChangeable(value)) return value;
    if (value instanceof Date) return new Date(value.getTime());
    if (value instanceof Map) {
      return new Map(Array.from(value, (entry) => this.copy(entry, depth) as [unknown, unknown]));
    }
    if (value instanceof Set) return new Set(Array.from(value, (item) => this.copy(item, depth)));
    if (value instanceof ArrayBuffer) return value.slice(0);
    if (value instanceof DataView) {
      const { buffer, byteOffset, byteLength } = value;
      return new DataView(buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer);
    }
    // Not its own slice(): that of a Buffer shares the memory.
    return Uint8Array.prototype.slice.call(value as Uint8Array);
  }
}
