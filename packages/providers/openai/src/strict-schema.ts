import { isRecord } from '@stratagem/core/runner';

type JsonSchema = Readonly<Record<string, unknown>>;

/** The string formats of OpenAI's strict mode. */
const FORMATS: ReadonlySet<unknown> = new Set([
  'date-time',
  'time',
  'date',
  'duration',
  'email',
  'hostname',
  'ipv4',
  'ipv6',
  'uuid',
]);
/** Keywords that say nothing about which values are valid, and that strict mode refuses. */
const ANNOTATIONS = ['default', 'examples', '$comment', 'readOnly', 'writeOnly', 'deprecated'];
/** Look-around, and references to what a group has matched. */
const REFUSED_PATTERN = /\(\?<?[=!]|\\[1-9]|\\k</;
/** Keywords whose values are schemas: one, a list, or a record of them. */
const NESTED = ['items', 'additionalProperties', 'not', 'if', 'then', 'else', 'contains'];
const LISTS = ['anyOf', 'oneOf', 'allOf', 'prefixItems'];
const RECORDS = ['properties', 'patternProperties', '$defs', 'definitions'];
/** Keywords that give a schema its type. */
const TYPING = ['type', '$ref', 'anyOf', 'oneOf', 'allOf', 'enum', 'const'];

/** The limits of OpenAI's strict mode. */
const LIMITS = { properties: 5_000, depth: 10, enumValues: 1_000, characters: 120_000 };
/** The limit of the characters of one list of more than 250 words. */
const LONG_ENUM = { values: 250, characters: 15_000 };

/** Ends the folding of a schema that cannot be strict. */
const NOT_STRICT = new Error('this schema cannot be strict');

/**
 * A schema without the parts that strict mode refuses, where they can be left out: the answer is
 * validated with the whole schema anyway. Descriptions keep these parts for the model.
 *
 * @returns Undefined for a schema that strict mode refuses in any form.
 */
export function foldedForStrict<Schema extends JsonSchema>(schema: Schema): Schema | undefined {
  try {
    return new Folding().fold(schema, 0) as Schema;
  } catch (thrown) {
    if (thrown === NOT_STRICT) return undefined;
    throw thrown;
  }
}

class Folding {
  #properties = 0;
  #enumValues = 0;
  #characters = 0;

  /** @throws `NOT_STRICT` */
  fold(given: unknown, depth: number): JsonSchema {
    if (!isRecord(given) || !TYPING.some((keyword) => keyword in given)) throw NOT_STRICT;
    if ('$ref' in given) return this.#foldReference(given, depth);
    // Strict mode would make an object without fields of one with any fields.
    const { type, properties, additionalProperties } = given;
    const isAnyObject = type === 'object' && properties === undefined;
    if (isAnyObject && additionalProperties !== false) throw NOT_STRICT;
    const folded: Record<string, unknown> = {};
    const notes: string[] = [];
    for (const [keyword, value] of Object.entries(given)) {
      if (ANNOTATIONS.includes(keyword)) continue;
      const isRefused =
        (keyword === 'format' && !FORMATS.has(value)) ||
        (keyword === 'pattern' && REFUSED_PATTERN.test(String(value)));
      if (isRefused) notes.push(`${keyword}: ${String(value)}`);
      else folded[keyword] = this.#foldValue(keyword, value, depth);
    }
    this.#count(folded, depth);
    if (notes.length > 0) {
      folded.description = [given.description, ...notes].filter(Boolean).join('; ');
    }
    return folded;
  }

  #foldValue(keyword: string, value: unknown, depth: number): unknown {
    if (NESTED.includes(keyword) && isRecord(value)) return this.fold(value, depth + 1);
    if (LISTS.includes(keyword) && Array.isArray(value)) {
      return value.map((each) => this.fold(each, depth));
    }
    if (!RECORDS.includes(keyword) || !isRecord(value)) return value;
    const below = keyword === 'properties' ? depth + 1 : 0;
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [name, this.fold(each, below)]),
    );
  }

  /** Nothing may stand beside a reference. A condition there cannot be left out. */
  #foldReference(given: JsonSchema, depth: number): JsonSchema {
    const { $ref, title, description, $defs, definitions, ...others } = given;
    if (Object.keys(others).some((keyword) => !ANNOTATIONS.includes(keyword))) throw NOT_STRICT;
    const records = Object.entries({ $defs, definitions }).filter(([, value]) => value);
    const folded = records.map(([keyword, value]) => [
      keyword,
      this.#foldValue(keyword, value, depth),
    ]);
    return { $ref, ...Object.fromEntries(folded) };
  }

  #count({ properties, enum: list, const: only }: JsonSchema, depth: number): void {
    const names = Object.keys(Object(properties));
    const values = Array.isArray(list) ? list : [];
    const characters = [...names, ...values, only].reduce<number>(
      (sum, text) => sum + (typeof text === 'string' ? text.length : 0),
      0,
    );
    this.#properties += names.length;
    this.#enumValues += values.length;
    this.#characters += characters;
    const isTooLarge =
      depth > LIMITS.depth ||
      this.#properties > LIMITS.properties ||
      this.#enumValues > LIMITS.enumValues ||
      this.#characters > LIMITS.characters ||
      (values.length > LONG_ENUM.values && characters > LONG_ENUM.characters);
    if (isTooLarge) throw NOT_STRICT;
  }
}
