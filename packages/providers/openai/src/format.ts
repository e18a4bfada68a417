import type { TaskRequest } from '@stratagem/core';
import { type AnswerSchema, answerSchemaOf } from '@stratagem/core/provider';
import type { OpenAI } from 'openai';
import { isOpenAI } from './client.js';
import type { OpenAIOptions } from './options.js';

/** How the answer is held to the task's schema. */
export interface Format {
  readonly schemaIn: 'request' | 'prompt';
  readonly unwrap?: (value: unknown) => unknown;
  /** What the request says of it; undefined where the prompt says all. */
  readonly wire?: WireFormat;
}

export type WireFormat =
  | { readonly type: 'json_object' }
  | {
      readonly type: 'json_schema';
      readonly name: string;
      readonly strict: boolean;
      readonly schema: Record<string, unknown>;
    };

interface Target {
  readonly api: 'responses' | 'chat';
  readonly client: OpenAI;
  readonly options: OpenAIOptions;
}

const IN_PROMPT: Format = { schemaIn: 'prompt' };

/**
 * The format for a request. OpenAI itself is given the schema as a strict one where it can be;
 * other servers, of which many take a schema without heeding it, are told it in the prompt as well.
 */
export async function formatOf(
  { outputSchema }: TaskRequest,
  { client, options }: Target,
): Promise<Format> {
  const isOurs = isOpenAI(client.baseURL);
  const { structuredOutput = isOurs ? 'json_schema' : 'prompt' } = options;
  const answer = answerSchemaOf(outputSchema);
  if (answer === undefined || structuredOutput === 'prompt') return IN_PROMPT;
  // Its answers are objects, which is not what every schema asks for.
  if (structuredOutput === 'json_object') {
    return outputSchema?.type === 'object'
      ? { ...IN_PROMPT, wire: { type: 'json_object' } }
      : IN_PROMPT;
  }
  const { unwrap } = answer;
  const strict = await strictly(answer.schema);
  if (strict !== undefined && isOurs) return { schemaIn: 'request', unwrap, wire: strict };
  const isWhole = answer.schema.properties === outputSchema?.properties;
  // The prompt shows the schema of the answer alone: the server must not want it wrapped.
  return isWhole ? { ...IN_PROMPT, wire: strict ?? loosely(answer.schema) } : IN_PROMPT;
}

/** The SDK knows what strict schemas are like; undefined for one that cannot be written as such. */
async function strictly(schema: AnswerSchema['schema']): Promise<WireFormat | undefined> {
  const { standardTextFormat } = await import('openai/helpers/standard-schema');
  const { '~standard': standard } = {
    '~standard': { version: 1, vendor: 'stratagem', validate: (value: unknown) => ({ value }) },
  } as const;
  try {
    const format = standardTextFormat({ '~standard': standard }, 'answer', { schema });
    return { type: 'json_schema', name: 'answer', strict: true, schema: format.schema };
  } catch {
    return undefined; // It has optional fields, records or the like.
  }
}

function loosely(schema: AnswerSchema['schema']): WireFormat {
  return { type: 'json_schema', name: 'answer', strict: false, schema };
}
