import { asksForText } from '../contract/schema.js';

type JsonSchema = Readonly<Record<string, unknown>>;

/** A task's schema in the form that structured output takes. */
export interface AnswerSchema {
  /** Always an object at the root: backends accept nothing else. */
  readonly schema: JsonSchema & { readonly type: 'object' };
  /** Takes the answer out of the object that the backend returns. */
  readonly unwrap: (value: unknown) => unknown;
}

/**
 * The schema for structured output. Undefined when any text fits, or when the schema cannot be
 * wrapped in an object.
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
      // References resolve from the root, so the definitions stay there.
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
