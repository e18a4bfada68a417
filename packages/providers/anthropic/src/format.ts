import type { JSONOutputFormat } from '@anthropic-ai/sdk/resources/messages/messages';
import { type AnswerFormat, type AnswerSchema, answerSchemaOf } from '@stratagem/core/runner';
import type { AnthropicOptions } from './options.js';

export interface Format extends AnswerFormat {
  /** The API's structured output. */
  readonly output?: JSONOutputFormat | undefined;
  /** The input schema of a tool that the model must call with its answer. */
  readonly answerTool?: AnswerSchema['schema'] | undefined;
}

const IN_PROMPT: Format = { schemaIn: 'prompt' };

/** The name of the tool that the model calls with its answer. */
export const ANSWER_TOOL = 'give_answer';

/**
 * The formats of an answer, from the one to ask for to those for a server that refuses it: the API's
 * structured output where it supports the schema, a tool that the model must call, whose input can
 * have any schema, and the prompt alone.
 */
export async function formatsOf(
  outputSchema: Readonly<Record<string, unknown>> | undefined,
  { options: { structuredOutput = 'json_schema' } }: { readonly options: AnthropicOptions },
): Promise<readonly [Format, ...Format[]]> {
  const answer = answerSchemaOf(outputSchema);
  if (answer === undefined || structuredOutput === 'prompt') return [IN_PROMPT];
  const { schema, unwrap } = answer;
  const output =
    structuredOutput === 'json_schema' && isClosed(schema)
      ? await structuredOutputFormat(schema)
      : undefined;
  const byTool: Format = { schemaIn: 'request', unwrap, answerTool: schema };
  if (output === undefined) return [byTool, IN_PROMPT];
  return [{ schemaIn: 'request', unwrap, output }, byTool, IN_PROMPT];
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
