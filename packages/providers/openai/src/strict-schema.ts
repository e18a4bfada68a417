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
const ANNOTATIONS = [
  ...['default', 'examples', '$comment', 'readOnly', 'writeOnly', 'deprecated'],
  // Of OpenAPI and of validators.
  ...['discriminator', 'example', 'externalDocs', 'xml', 'nullable', 'errorMessage'],
];
const isAnnotation = (keyword: string) => ANNOTATIONS.includes(keyword) || /^x-/.test(keyword);
/** Look-around, and references to what a group has matched. */
const REFUSED_PATTERN = /\(\?<?[=!]|\\[1-9]|\\k</;
/** Keywords whose values are schemas: one, a list, or a record of them. */
const NESTED = ['items', 'additionalProperties', 'not', 'if', 'then', 'else', 'contains'];
const LISTS = ['anyOf', 'oneOf', 'allOf', 'prefixItems'];
const RECORDS = ['properties', 'patternProperties', '$defs', 'definitions'];
/** Keywords that give a schema its type. */
const TYPING = ['type', '$ref', 'anyOf', 'oneOf', 'allOf', 'enum', 'const'];

/** Strict mode asks for a type in all other schemas, also beside a list of values. */
const TYPED = ['type', '$ref', 'anyOf', 'oneOf', 'allOf'];

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
      if (isAnnotation(keyword)) continue;
      const isRefused =
        (keyword === 'format' && !FORMATS.has(value)) ||
        (keyword === 'pattern' && REFUSED_PATTERN.test(String(value)));
      if (isRefused) notes.push(`${keyword}: ${String(value)}`);
      else folded[keyword] = this.#foldValue(keyword, value, depth);
    }
    if (!TYPED.some((keyword) => keyword in given)) folded.type = typeOfValues(given);
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
    if (!Object.keys(others).every(isAnnotation)) throw NOT_STRICT;
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

/**
 * The type of the values that a schema lists.
 *
 * @throws `NOT_STRICT` when there are none, or objects among them.
 */
function typeOfValues({ const: only, enum: list = [only] }: JsonSchema): string | string[] {
  const types = (Array.isArray(list) ? list : []).map((value) => {
    if (value === null) return 'null';
    if (typeof value === 'object') throw NOT_STRICT;
    return Number.isInteger(value) ? 'integer' : typeof value;
  });
  const [first, ...others] = new Set(types);
  if (first === undefined) throw NOT_STRICT;
  return others.length === 0 ? first : [first, ...others];
}
