type Schema = Readonly<Record<string, unknown>>;

/** Below this depth, a recursive schema gets the shortest values that it allows. */
const MAX_DEPTH = 6;

/**
 * A sample value that matches a JSON Schema: types, enums, ranges, lengths, required and optional
 * properties, unions, references within the schema. A `pattern` is ignored.
 */
export function sampleOf(schema: Schema, random: () => number): unknown {
  return new Sampler(schema, random).sample(schema, 'value', 0);
}

class Sampler {
  readonly #root: Schema;
  readonly #random: () => number;

  constructor(root: Schema, random: () => number) {
    this.#root = root;
    this.#random = random;
  }

  /** @param name The name of the value, which appears in sample texts. */
  sample(given: unknown, name: string, depth: number): unknown {
    const schema = this.#resolve(given);
    if (Array.isArray(schema.enum)) return this.#pick(schema.enum);
    if ('const' in schema) return schema.const;
    const options = (schema.anyOf ?? schema.oneOf) as unknown[] | undefined;
    if (options !== undefined) {
      // In a recursive schema, the last option usually ends the recursion: null or a plain value.
      return this.sample(depth > MAX_DEPTH ? options.at(-1) : this.#pick(options), name, depth);
    }
    const type = Array.isArray(schema.type) ? this.#pick(schema.type) : schema.type;
    switch (type ?? (schema.properties === undefined ? 'string' : 'object')) {
      case 'object':
        return this.#object(schema, depth);
      case 'array':
        return this.#array(schema, name, depth);
      case 'integer':
        return Math.floor(this.#number(schema, 1));
      case 'number':
        return Math.round(this.#number(schema, 0) * 100) / 100;
      case 'boolean':
        return this.#random() < 0.5;
      case 'null':
        return null;
      default:
        return this.#text(schema, name);
    }
  }

  /** Follows references, and merges the schemas of `allOf`. */
  #resolve(given: unknown): Schema {
    let schema = given as Schema;
    for (let steps = 0; typeof schema?.$ref === 'string' && steps < 20; steps++) {
      const path = schema.$ref.replace(/^#\/?/, '').split('/').filter(Boolean);
      schema = path.reduce<unknown>((value, key) => (value as Schema)?.[key], this.#root) as Schema;
    }
    if (typeof schema !== 'object' || schema === null) return {};
    const parts = (schema.allOf ?? []) as unknown[];
    return parts.map((part) => this.#resolve(part)).reduce(merge, schema);
  }

  #object(schema: Schema, depth: number): Record<string, unknown> {
    const required = (schema.required ?? []) as string[];
    const value: Record<string, unknown> = {};
    for (const [key, property] of Object.entries((schema.properties ?? {}) as Schema)) {
      if (depth > MAX_DEPTH && !required.includes(key)) continue;
      value[key] = this.sample(property, key, depth + 1);
    }
    return value;
  }

  #array(schema: Schema, name: string, depth: number): unknown[] {
    const { minItems = 0, maxItems = Number.POSITIVE_INFINITY } = schema as Record<string, number>;
    const usual = depth > MAX_DEPTH ? 0 : 3;
    const length = Math.max(minItems, Math.min(usual, maxItems));
    return Array.from({ length }, (_, index) =>
      this.sample(schema.items ?? {}, `${name} ${index + 1}`, depth + 1),
    );
  }

  /** @param step 1 for integers, which are rounded down from below the end of the range. */
  #number(schema: Schema, step: 0 | 1): number {
    const bounds = schema as Record<string, number | undefined>;
    const above = bounds.exclusiveMinimum;
    const low = bounds.minimum ?? (above === undefined ? undefined : above + (step || 0.01));
    const below = bounds.exclusiveMaximum;
    const high = bounds.maximum ?? (below === undefined ? undefined : below - (step || 0.01));
    const from = low ?? Math.min(0, high ?? 0);
    const to = Math.min(high ?? Number.POSITIVE_INFINITY, from + 100);
    return from + this.#random() * (to - from + (step === 1 ? 1 - 1e-9 : 0));
  }

  #text(schema: Schema, name: string): string {
    const { minLength = 0, maxLength = Number.POSITIVE_INFINITY } = schema as Record<
      string,
      number
    >;
    return `Simulated ${name}`.padEnd(minLength, '.').slice(0, maxLength);
  }

  #pick<T>(options: readonly T[]): T {
    return options[Math.floor(this.#random() * options.length)] as T;
  }
}

function merge(one: Schema, other: Schema): Schema {
  return {
    ...one,
    ...other,
    properties: { ...(one.properties as object), ...(other.properties as object) },
    required: [...((one.required ?? []) as string[]), ...((other.required ?? []) as string[])],
  };
}
