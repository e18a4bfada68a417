/** A part of a value that JSON cannot represent exactly. */
export interface JsonMismatch {
  /** Its path within the value: `.items[2]`. */
  readonly path: string;
  /** What it is: "a Map". */
  readonly what: string;
}

/** The first part of a value that JSON would drop or change; undefined when there is none. */
export function findJsonMismatch(value: unknown): JsonMismatch | undefined {
  return search(value, '', []);
}

/**
 * A value as JSON with sorted keys, so that equal values give the same text. As in JSON, undefined
 * fields are left out, and `toJSON` is called.
 *
 * @throws {TypeError} where JSON would give different values the same text; names the path.
 */
export function canonicalJson(value: unknown): string {
  return write(value, '', []);
}

function search(
  value: unknown,
  path: string,
  parents: readonly object[],
): JsonMismatch | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined;
  if (Number.isFinite(value)) return undefined;
  if (!isPlain(value)) return { path, what: nameOf(value) };
  if (parents.includes(value)) return { path, what: 'a value that contains itself' };
  const within = [...parents, value];
  for (const [key, child] of entriesOf(value)) {
    const mismatch = search(child, path + stepTo(value, key), within);
    if (mismatch !== undefined) return mismatch;
  }
  return undefined;
}

function write(value: unknown, path: string, parents: readonly object[]): string {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') {
    return JSON.stringify(value);
  }
  if (Number.isFinite(value)) return JSON.stringify(value);
  if (hasToJson(value)) return write(value.toJSON(), path, parents);
  if (!isPlain(value)) throw unwritable(path, nameOf(value));
  if (parents.includes(value)) throw unwritable(path, 'a value that contains itself');
  const within = [...parents, value];
  if (Array.isArray(value)) {
    return `[${value.map((item, index) => write(item, `${path}[${index}]`, within)).join()}]`;
  }
  const fields = entriesOf(value)
    .filter(([, child]) => child !== undefined)
    .sort(([first], [second]) => (first < second ? -1 : 1))
    .map(
      ([key, child]) => `${JSON.stringify(key)}:${write(child, path + stepTo(value, key), within)}`,
    );
  return `{${fields.join()}}`;
}

function unwritable(path: string, what: string): TypeError {
  return new TypeError(`${path.replace(/^\./, '') || 'the value'} is ${what}`);
}

/** Whether the value is an array or a plain object. */
function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return true;
  const prototype = Object.getPrototypeOf(value);
  if (prototype === null) return true;
  // An object of another realm, such as a sandbox, has that realm's Object.prototype.
  return Object.getPrototypeOf(prototype) === null && 'hasOwnProperty' in prototype;
}

function hasToJson(value: unknown): value is { toJSON(): unknown } {
  return typeof (value as { toJSON?: unknown } | undefined)?.toJSON === 'function';
}

/** The entries of an array or object; holes of an array count as undefined. */
function entriesOf(value: object): [string, unknown][] {
  if (Array.isArray(value)) return Array.from(value, (item, index) => [`${index}`, item]);
  return Object.entries(value);
}

function stepTo(parent: object, key: string): string {
  if (Array.isArray(parent)) return `[${key}]`;
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function nameOf(value: unknown): string {
  if (value === undefined) return 'undefined';
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'object' || value === null) return `a ${typeof value}`;
  const { constructor: made } = value as { constructor?: { name?: unknown } };
  const name = typeof made?.name === 'string' ? made.name : '';
  return name === '' ? 'an object of an unknown class' : `a ${name}`;
}
