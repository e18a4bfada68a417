/** Shorter texts are in too many others to be replaced. */
const MIN_LENGTH = 4;
const MAX_DEPTH = 1_000;
const SECRET = '[secret]';

/**
 * Replaces secret texts in values and errors, so that no model, server or function can bring them into
 * a log.
 */
export class SecretTexts {
  readonly #pattern: RegExp | undefined;

  constructor(values: Readonly<Record<string, unknown>>) {
    const texts = textsIn(Object.values(values)).filter(({ length }) => length >= MIN_LENGTH);
    // A longer secret may contain a shorter one.
    const sources = texts.toSorted((a, b) => b.length - a.length).map(escapePattern);
    this.#pattern = sources.length === 0 ? undefined : new RegExp(sources.join('|'), 'g');
  }

  text(text: string): string {
    return this.#pattern === undefined ? text : text.replace(this.#pattern, SECRET);
  }

  /** The value itself where it has no secret. Instances of classes are left as they are. */
  value<T>(value: T): T {
    return this.#pattern === undefined ? value : (this.#value(value, 0) as T);
  }

  #value(value: unknown, depth: number): unknown {
    if (typeof value === 'string') return this.text(value);
    if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return value;
    if (Array.isArray(value)) {
      const items = value.map((item) => this.#value(item, depth + 1));
      return items.some((item, at) => item !== value[at]) ? items : value;
    }
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== null && prototype !== Object.prototype) return value;
    const fields = Object.entries(value);
    const clean = fields.map(([name, field]) => [this.text(name), this.#value(field, depth + 1)]);
    const isClean = clean.every(([name, field], at) => {
      return name === fields[at]?.[0] && field === fields[at]?.[1];
    });
    return isClean ? value : Object.fromEntries(clean);
  }

  /** Changes the messages of an error and of its causes, and returns it. */
  error(thrown: unknown): unknown {
    let current = thrown;
    for (let depth = 0; current instanceof Error && depth < 20; depth++) {
      const clean = this.text(current.message);
      if (clean !== current.message) {
        Object.defineProperty(current, 'message', {
          value: clean,
          writable: true,
          configurable: true,
        });
        if (current.stack !== undefined) current.stack = this.text(current.stack);
      }
      current = current.cause;
    }
    return typeof thrown === 'string' ? this.text(thrown) : thrown;
  }
}

function textsIn(values: readonly unknown[]): string[] {
  return values.flatMap((value) => {
    if (typeof value === 'string') return [value, JSON.stringify(value).slice(1, -1)];
    return typeof value === 'object' && value !== null ? textsIn(Object.values(value)) : [];
  });
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
