import type { JSONOutputFormat } from '@anthropic-ai/sdk/resources/messages/messages';
import type { TaskRequest } from '@stratagem/core';
import { type AnswerSchema, answerSchemaOf } from '@stratagem/core/provider';
import type { AnthropicOptions } from './options.js';

/** How the answer is held to the task's schema. */
export interface Format {
  readonly schemaIn: 'request' | 'prompt';
  readonly unwrap?: (value: unknown) => unknown;
  /** The API's structured output. */
  readonly output?: JSONOutputFormat;
  /** A tool that the model has to call with its answer. */
  readonly answerTool?: AnswerSchema['schema'];
}

/** What the model calls when its answer goes through a tool. */
export const ANSWER_TOOL = 'give_answer';

/**
 * The format for a request: the API's structured output where it can hold the schema as it is, and
 * otherwise a tool that the model is made to call, whose input may be of any schema.
 */
export async function formatOf(
  { outputSchema }: TaskRequest,
  { structuredOutput = 'json_schema' }: AnthropicOptions,
): Promise<Format> {
  const answer = answerSchemaOf(outputSchema);
  if (answer === undefined || structuredOutput === 'prompt') return { schemaIn: 'prompt' };
  const { schema, unwrap } = answer;
  const held = { schemaIn: 'request', unwrap } as const;
  const output =
    structuredOutput === 'json_schema' && isClosed(schema) ? await outputOf(schema) : undefined;
  return output === undefined ? { ...held, answerTool: schema } : { ...held, output };
}

/** The SDK knows what the API takes; undefined for a schema that cannot be written as such. */
async function outputOf(schema: AnswerSchema['schema']): Promise<JSONOutputFormat | undefined> {
  const { jsonSchemaOutputFormat } = await import('@anthropic-ai/sdk/helpers/json-schema');
  try {
    const format = jsonSchemaOutputFormat(schema as { type: 'object' });
    return { type: format.type, schema: format.schema };
  } catch {
    return undefined;
  }
}

/**
 * Whether all objects name all their fields. The SDK makes any other one an object that has to stay
 * empty, without a word.
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
