import { type JsonSchema, jsonSchemaProblem } from './json-schema.js';

/**
 * A schema of any library that implements Standard Schema (zod, valibot, arktype, effect, …):
 * https://standardschema.dev. Declared here by its shape, so that no dependency is needed.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
    /** Only in libraries that can convert their schemas to JSON Schema. */
    readonly jsonSchema?:
      | {
          readonly output: (options: { target: 'draft-2020-12' }) => Record<string, unknown>;
          readonly input?:
            | ((options: { target: 'draft-2020-12' }) => Record<string, unknown>)
            | undefined;
        }
      | undefined;
  };
}

/** The result of a validation. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** A schema of a library, or plain JSON Schema. */
export type AnySchema = StandardSchema | JsonSchema;

/** The type of the values that a schema returns; unknown for plain JSON Schema. */
export type SchemaOutput<Schema> =
  Schema extends StandardSchema<infer _, infer Output> ? Output : unknown;

/** The type of the values that a schema takes; any object for plain JSON Schema. */
export type SchemaInput<Schema> =
  Schema extends StandardSchema<infer Input, infer _> ? Input : Readonly<Record<string, unknown>>;

export function isStandardSchema(value: unknown): value is StandardSchema {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  const standard = (value as Partial<StandardSchema>)['~standard'];
  return typeof standard?.validate === 'function';
}

type Side = 'input' | 'output';

interface Written {
  readonly json?: Readonly<Record<string, unknown>> | undefined;
  /** Why there is no JSON. */
  readonly why?: string | undefined;
}

/** Written once for each schema: a plan may use one for thousands of tasks. */
const written = { input: new WeakMap<object, Written>(), output: new WeakMap<object, Written>() };

function write(schema: AnySchema, side: Side): Written {
  if (!isStandardSchema(schema)) return { json: schema as Readonly<Record<string, unknown>> };
  let found = written[side].get(schema);
  if (found === undefined) {
    found = writeNow(schema, side);
    written[side].set(schema, found);
  }
  return found;
}

function writeNow(schema: StandardSchema, side: Side): Written {
  const { jsonSchema, vendor } = schema['~standard'];
  try {
    const json = (jsonSchema?.[side] ?? jsonSchema?.output)?.({ target: 'draft-2020-12' });
    return { json, why: REMEDIES[vendor] ?? REMEDIES.other };
  } catch (error) {
    // Transforms and custom types have no JSON Schema.
    const message = error instanceof Error ? error.message : String(error);
    return {
      why: `${message}. Describe the value as it is in JSON, such as z.iso.date() for a date.`,
    };
  }
}

const REMEDIES: Readonly<Record<string, string>> = {
  zod: 'This version of zod does not write it: use zod 4.6 or newer, or, with zod 4, pass z.toJSONSchema(schema).',
  valibot: 'Pass toStandardJsonSchema(schema) of @valibot/to-json-schema.',
  other: 'Add a jsonSchema method to it, or pass plain JSON Schema.',
};

/**
 * The schema as JSON Schema; undefined if its library cannot write it.
 *
 * @param side The values before or after validation: defaults and conversions make them different.
 */
export function jsonSchemaOf(
  schema: AnySchema,
  side: Side = 'output',
): Readonly<Record<string, unknown>> | undefined {
  return write(schema, side).json;
}

/**
 * The JSON Schema that a model gets for its answer. Schemas that convert values may describe only
 * the values that they take.
 */
export function answerJsonSchemaOf(
  schema: AnySchema,
): Readonly<Record<string, unknown>> | undefined {
  return jsonSchemaOf(schema) ?? jsonSchemaOf(schema, 'input');
}

/**
 * The problem of a value that should be a schema.
 *
 * @param sent Which values a model must know; undefined when the schema only validates.
 */
export function schemaProblem(schema: unknown, sent: Side | undefined): string | undefined {
  if (!isStandardSchema(schema)) return jsonSchemaProblem(schema);
  const isSendable = jsonSchemaOf(schema, 'input') ?? (sent === 'output' && jsonSchemaOf(schema));
  if (sent === undefined || isSendable) return undefined;
  return `cannot be sent to a model, as it cannot be written as JSON Schema. ${write(schema, sent).why}`;
}

type Keywords = Readonly<Record<string, unknown>>;

/** Whether a JSON Schema, which may be a union, describes objects; one that says nothing counts. */
export function allowsOnlyObjects(
  schema: Keywords,
  root = schema,
  seen = new Set<unknown>(),
): boolean {
  const { type, anyOf, oneOf, allOf, $ref } = schema;
  if (type !== undefined) return type === 'object';
  if ($ref !== undefined) {
    if (seen.has($ref)) return true;
    seen.add($ref);
  }
  const target = resolveReference($ref, root);
  const parts = [target, anyOf, oneOf, allOf].flat().filter((part) => part !== undefined);
  if (parts.length === 0) return !('const' in schema || 'enum' in schema);
  return parts.every((part) => allowsOnlyObjects(Object(part), root, seen));
}

/** The schema that a local reference points to. */
export function resolveReference(reference: unknown, root: Keywords): unknown {
  if (typeof reference !== 'string' || !reference.startsWith('#')) return undefined;
  return reference
    .split('/')
    .slice(1)
    .reduce<unknown>(
      (value, key) => Object(value)[key.replaceAll('~1', '/').replaceAll('~0', '~')],
      root,
    );
}

/** Whether a JSON Schema accepts any text, which needs no instructions for a model. */
export function asksForText({ $schema: _, ...shown }: Readonly<Record<string, unknown>>): boolean {
  const [keyword, ...others] = Object.keys(shown);
  if (others.length > 0 || (shown.type ?? 'string') !== 'string') return false;
  return keyword === undefined || !CONSTRAINTS.includes(keyword);
}

/** Keywords that may exclude texts by themselves. */
const CONSTRAINTS = ['anyOf', 'oneOf', 'allOf', 'enum', 'const', '$ref', 'not'];

/** The maximum number of issues in a message; a list of a thousand items can have a thousand. */
const SHOWN_ISSUES = 5;

/** `companies[0].name: expected string; founded: expected number` */
export function formatIssues(issues: readonly SchemaIssue[]): string {
  const lines = issues.slice(0, SHOWN_ISSUES).map(({ message, path = [] }) => {
    const place = path
      .map((step) => (typeof step === 'object' ? step.key : step))
      .reduce<string>((text, key) => {
        if (typeof key === 'number') return `${text}[${key}]`;
        return text === '' ? String(key) : `${text}.${String(key)}`;
      }, '');
    return place === '' ? message : `${place}: ${message}`;
  });
  const more = issues.length - lines.length;
  return lines.join('; ') + (more > 0 ? `; and ${more} more` : '');
}
