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

/** The type of the values that a schema returns. */
export type SchemaOutput<Schema> =
  Schema extends StandardSchema<infer _, infer Output> ? Output : never;

export function isStandardSchema(value: unknown): value is StandardSchema {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  const standard = (value as Partial<StandardSchema>)['~standard'];
  return typeof standard?.validate === 'function';
}

/**
 * The schema as JSON Schema, if its library can convert it.
 *
 * @param side The values before or after validation: defaults and conversions make them different.
 */
export function jsonSchemaOf(
  schema: StandardSchema,
  side: 'input' | 'output' = 'output',
): Record<string, unknown> | undefined {
  const { jsonSchema } = schema['~standard'];
  try {
    const write = jsonSchema?.[side] ?? jsonSchema?.output;
    return write?.({ target: 'draft-2020-12' });
  } catch {
    return undefined; // Transforms and custom checks have no JSON Schema.
  }
}

type JsonSchema = Readonly<Record<string, unknown>>;

/** Whether a JSON Schema, which may be a union, describes objects; one that says nothing counts. */
export function allowsOnlyObjects(
  schema: JsonSchema,
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
export function resolveReference(reference: unknown, root: JsonSchema): unknown {
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
  return Object.keys(shown).length <= 1 && (shown.type ?? 'string') === 'string';
}

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
