/** What keeps a value from being written as JSON and read again as it was. */
export interface Obstacle {
  /** Where, from the value down: `.output.items[2]`. */
  readonly path: string;
  /** What stands there: "a Map". */
  readonly what: string;
}

/**
 * The first thing in a value that JSON would drop or change; undefined when it would come back the
 * same.
 */
export function jsonObstacle(value: unknown): Obstacle | undefined {
  return search(value, '', []);
}

/**
 * A value as text that is the same for the same content: JSON with the keys of objects sorted.
 * What JSON leaves out of objects (fields that are undefined) is left out, and `toJSON` is obeyed.
 *
 * @throws {TypeError} where JSON would make different contents the same, with the place.
 */
export function canonicalJson(value: unknown): string {
  return write(value, '', []);
}

function search(value: unknown, path: string, parents: readonly object[]): Obstacle | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined;
  if (Number.isFinite(value)) return undefined;
  if (!isPlain(value)) return { path, what: nameOf(value) };
  if (parents.includes(value)) return { path, what: 'a value that contains itself' };
  const within = [...parents, value];
  for (const [key, child] of entriesOf(value)) {
    const obstacle = search(child, path + stepTo(value, key), within);
    if (obstacle !== undefined) return obstacle;
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

/** A list, or an object that is nothing but its fields. */
function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return true;
  const prototype = Object.getPrototypeOf(value);
  if (prototype === null) return true;
  // Those of another realm, such as a sandbox, have a prototype of their own.
  return Object.getPrototypeOf(prototype) === null && 'hasOwnProperty' in prototype;
}

function hasToJson(value: unknown): value is { toJSON(): unknown } {
  return typeof (value as { toJSON?: unknown } | undefined)?.toJSON === 'function';
}

/** Holes of a list are undefined here, as they are to its readers. */
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
