/**
 * A schema of any library that speaks Standard Schema (zod, valibot, arktype, effect, …):
 * https://standardschema.dev. Described here by its shape, so that no library is needed for it.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
    /** Only of libraries that can also write their schemas as JSON Schema. */
    readonly jsonSchema?: {
      readonly output: (options: { target: 'draft-2020-12' }) => Record<string, unknown>;
      readonly input?: (options: { target: 'draft-2020-12' }) => Record<string, unknown>;
    };
  };
}

/** What a schema says about a value. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The type of the values that a schema lets through. */
export type SchemaOutput<Schema> =
  Schema extends StandardSchema<infer _, infer Output> ? Output : never;

export function isStandardSchema(value: unknown): value is StandardSchema {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  const standard = (value as Partial<StandardSchema>)['~standard'];
  return typeof standard?.validate === 'function';
}

/**
 * The schema as JSON Schema, when its library can write that.
 *
 * @param side What goes into it, or what comes out: they differ where it has defaults or converts.
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
    return undefined; // Not every schema can be written as JSON Schema: transforms, custom checks.
  }
}

/** Whether a JSON Schema asks for nothing that a model would not give anyway. */
export function asksForText({ $schema: _, ...shown }: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(shown).length <= 1 && (shown.type ?? 'string') === 'string';
}

/** The most issues that go into a message; a list of a thousand items can have a thousand. */
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
