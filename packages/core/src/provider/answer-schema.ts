import { asksForText } from '../contract/schema.js';

type JsonSchema = Readonly<Record<string, unknown>>;

/** A task's schema as a backend with structured output takes it. */
export interface AnswerSchema {
  /** Always of an object, as every such backend wants it. */
  readonly schema: JsonSchema & { readonly type: 'object' };
  /** The answer itself, out of the object that the backend brought. */
  readonly unwrap: (value: unknown) => unknown;
}

/**
 * What to hold an answer to; undefined when any text will do, or when the schema cannot be put into
 * an object.
 *
 * @example
 * answerSchemaOf({ type: 'array', items: { type: 'string' } })?.schema;
 * // { type: 'object', properties: { answer: { type: 'array', … } }, required: ['answer'], … }
 */
export function answerSchemaOf(outputSchema: JsonSchema | undefined): AnswerSchema | undefined {
  if (outputSchema === undefined || asksForText(outputSchema)) return undefined;
  const { $schema: _, ...schema } = outputSchema;
  if (schema.type === 'object') {
    return { schema: { ...schema, type: 'object' }, unwrap: (value) => value };
  }
  if (refersToRoot(schema)) return undefined;
  const { $defs, definitions, ...answer } = schema;
  return {
    schema: {
      type: 'object',
      properties: { answer },
      required: ['answer'],
      additionalProperties: false,
      // References are from the root, wherever they stand.
      ...($defs !== undefined && { $defs }),
      ...(definitions !== undefined && { definitions }),
    },
    unwrap: (value) => (isRecord(value) && 'answer' in value ? value.answer : value),
  };
}

function refersToRoot(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(refersToRoot);
  if (!isRecord(value)) return false;
  return value.$ref === '#' || Object.values(value).some(refersToRoot);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
