import type { JSONOutputFormat } from '@anthropic-ai/sdk/resources/messages/messages';
import { type AnswerFormat, type AnswerSchema, answerSchemaOf } from '@stratagem/core/runner';
import type { AnthropicOptions } from './options.js';

export interface Format extends AnswerFormat {
  /** The API's structured output. */
  readonly output?: JSONOutputFormat | undefined;
  /** The input schema of a tool that the model must call with its answer. */
  readonly answerTool?: AnswerSchema['schema'] | undefined;
}

/** The name of the tool that the model calls with its answer. */
export const ANSWER_TOOL = 'give_answer';

/**
 * The format of an answer: the API's structured output where it supports the schema, and otherwise
 * a tool that the model must call, whose input can have any schema.
 */
export async function formatOf(
  outputSchema: Readonly<Record<string, unknown>> | undefined,
  { options: { structuredOutput = 'json_schema' } }: { readonly options: AnthropicOptions },
): Promise<Format> {
  const answer = answerSchemaOf(outputSchema);
  if (answer === undefined || structuredOutput === 'prompt') return { schemaIn: 'prompt' };
  const { schema, unwrap } = answer;
  const output =
    structuredOutput === 'json_schema' && isClosed(schema)
      ? await structuredOutputFormat(schema)
      : undefined;
  const answerTool = output === undefined ? schema : undefined;
  return { schemaIn: 'request', unwrap, output, answerTool };
}

/** Undefined for a schema that the SDK cannot convert. */
async function structuredOutputFormat(
  schema: AnswerSchema['schema'],
): Promise<JSONOutputFormat | undefined> {
  const { jsonSchemaOutputFormat } = await import('@anthropic-ai/sdk/helpers/json-schema');
  try {
    const format = jsonSchemaOutputFormat(schema as { type: 'object' });
    return { type: format.type, schema: format.schema };
  } catch {
    return undefined;
  }
}

/**
 * Whether all objects name all their fields. The SDK silently turns an open object into one that
 * must be empty.
 */
function isClosed(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isClosed);
  if (typeof value !== 'object' || value === null) return true;
  const { type, properties, additionalProperties, patternProperties } = value as Record<
    string,
    unknown
  >;
  const isOpen =
    (type === 'object' && properties === undefined) ||
    (typeof additionalProperties === 'object' && additionalProperties !== null) ||
    patternProperties !== undefined;
  return !isOpen && Object.values(value).every(isClosed);
}
