/** Shorter texts are in too many others to be replaced. */
const MIN_SECRET_LENGTH = 4;
const SECRET = '[secret]';

/**
 * Replaces secret texts in values and errors, so that no model, server or function can bring them into
 * a log.
 */
export class SecretTexts {
  readonly #pattern: RegExp | undefined;
  /** The longest first, as a longer secret may contain a shorter one. */
  readonly #texts: readonly string[];

  constructor(values: Readonly<Record<string, unknown>>) {
    const texts = textsIn(Object.values(values)).filter(
      ({ length }) => length >= MIN_SECRET_LENGTH,
    );
    this.#texts = [...new Set(texts)].sort((a, b) => b.length - a.length);
    const sources = this.#texts.map(escapePattern);
    this.#pattern = sources.length === 0 ? undefined : new RegExp(sources.join('|'), 'g');
  }

  /**
   * Where the end of a text begins that may be the beginning of a secret; its length, where there is none.
   * What stands before can be written without knowing what follows.
   */
  openFrom(text: string): number {
    const longest = this.#texts[0]?.length ?? 0;
    const matches = this.#pattern === undefined ? [] : [...text.matchAll(this.#pattern)];
    for (let from = Math.max(0, text.length - longest + 1); from < text.length; from++) {
      const isInside = matches.some(
        (match) => match.index < from && from < match.index + match[0].length,
      );
      if (isInside) continue;
      const end = text.slice(from);
      if (this.#texts.some((each) => each.length > end.length && each.startsWith(end))) return from;
    }
    return text.length;
  }

  text(text: string): string {
    return this.#pattern === undefined ? text : text.replace(this.#pattern, SECRET);
  }

  /** The value itself where it has no secret. Instances of foreign classes are left as they are. */
  value<T>(value: T): T {
    return this.#pattern === undefined ? value : (this.#value(value, new Map()) as T);
  }

  /**
   * What was thrown, without secrets in it and in its causes. Changes errors in place where it can, so
   * that they stay the same objects.
   */
  error(thrown: unknown): unknown {
    try {
      return this.value(thrown);
    } catch {
      return new Error('it threw a value that is nested too deeply to look for secrets');
    }
  }

  /** @param known The results so far: values may be shared, and refer to themselves. */
  #value(value: unknown, known: Map<object, unknown>): unknown {
    if (typeof value === 'string') return this.text(value);
    if (typeof value === 'number' || typeof value === 'bigint') {
      return this.text(String(value)) === String(value) ? value : SECRET;
    }
    if (typeof value !== 'object' || value === null) return value;
    if (known.has(value)) return known.get(value);
    known.set(value, value);
    const clean = this.#object(value, known);
    known.set(value, clean);
    return clean;
  }

  #object(value: object, known: Map<object, unknown>): unknown {
    if (value instanceof Error) return this.#error(value, known);
    if (Array.isArray(value)) return this.#list(value, known) ?? value;
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Map.prototype) {
      const entries = this.#list([...(value as Map<unknown, unknown>)], known);
      return entries === undefined ? value : new Map(entries as [unknown, unknown][]);
    }
    if (prototype === Set.prototype) {
      const items = this.#list([...(value as Set<unknown>)], known);
      return items === undefined ? value : new Set(items);
    }
    if (prototype !== null && prototype !== Object.prototype) return value;
    const fields = Object.entries(value);
    const clean = fields.map(([name, field]) => [this.text(name), this.#value(field, known)]);
    const isClean = clean.every(([name, field], at) => {
      return name === fields[at]?.[0] && field === fields[at]?.[1];
    });
    return isClean ? value : Object.fromEntries(clean);
  }

  /** The list without secrets; undefined when it has none. */
  #list(list: readonly unknown[], known: Map<object, unknown>): unknown[] | undefined {
    const items = list.map((item) => this.#value(item, known));
    return items.some((item, at) => item !== list[at]) ? items : undefined;
  }

  #error(error: Error, known: Map<object, unknown>): Error {
    // Read before the message changes; the engine may keep it behind an accessor.
    const stack = error.stack && this.text(error.stack);
    const changed: PropertyDescriptorMap = {};
    for (const [name, field] of Object.entries(Object.getOwnPropertyDescriptors(error))) {
      if (!('value' in field)) continue;
      const value = this.#value(field.value, known);
      if (value !== field.value) changed[name] = { ...field, value };
    }
    if (Object.keys(changed).length === 0 && stack === error.stack) return error;
    try {
      Object.defineProperties(error, changed);
      if (stack !== error.stack) error.stack = stack;
      return error;
    } catch {
      // It is frozen.
      const fields = { ...Object.getOwnPropertyDescriptors(error), ...changed };
      delete fields.stack;
      const copy: Error = Object.create(Object.getPrototypeOf(error), fields);
      return Object.defineProperty(copy, 'stack', { value: stack, configurable: true });
    }
  }
}

function textsIn(values: readonly unknown[]): string[] {
  return values.flatMap((value) => {
    if (typeof value === 'string') return writtenForms(value);
    if (typeof value === 'number' || typeof value === 'bigint') return [String(value)];
    return typeof value === 'object' && value !== null ? textsIn(Object.values(value)) : [];
  });
}

/** A text as values, JSON, the paths of addresses, and their parameters have it. */
function writtenForms(text: string): string[] {
  const json = JSON.stringify(text).slice(1, -1);
  // The functions for addresses throw at half a surrogate pair.
  if (!/[^\w.-]/.test(text) || /\p{Surrogate}/u.test(text)) return [text, json];
  const parameter = encodeURIComponent(text);
  return [text, json, encodeURI(text), parameter, parameter.replaceAll('%20', '+')];
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
