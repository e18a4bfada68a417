import {
  type AnswerFormat,
  type AnswerSchema,
  answerSchemaOf,
  type SdkTarget,
} from '@stratagem/core/runner';
import type { OpenAI } from 'openai';
import type { OpenAIOptions } from './options.js';
import { isOpenAI } from './sdk.js';
import { foldedForStrict } from './strict-schema.js';

export interface Format extends AnswerFormat {
  /** The format in the request; undefined where only the prompt describes it. */
  readonly wire?: WireFormat | undefined;
}

export type WireFormat =
  | { readonly type: 'json_object' }
  | {
      readonly type: 'json_schema';
      readonly name: string;
      readonly strict: boolean;
      readonly schema: Record<string, unknown>;
    };

const IN_PROMPT: Format = { schemaIn: 'prompt' };

/**
 * The formats of an answer, from the one to ask for to those for a server that refuses it. OpenAI
 * itself gets a strict schema where the schema can be strict. For other servers the prompt describes
 * the schema too, as many accept a schema and ignore it.
 */
export async function formatsOf(
  outputSchema: Readonly<Record<string, unknown>> | undefined,
  { client, options }: SdkTarget<OpenAI, OpenAIOptions>,
): Promise<readonly [Format, ...Format[]]> {
  const isOurs = isOpenAI(client);
  const { structuredOutput = isOurs ? 'json_schema' : 'prompt' } = options;
  const answer = answerSchemaOf(outputSchema);
  if (answer === undefined || structuredOutput === 'prompt') return [IN_PROMPT];
  // JSON mode makes every answer an object, which not every schema allows.
  const lower: readonly [Format, ...Format[]] =
    outputSchema?.type === 'object'
      ? [{ ...IN_PROMPT, wire: { type: 'json_object' } }, IN_PROMPT]
      : [IN_PROMPT];
  if (structuredOutput === 'json_object') return lower;
  const { schema, unwrap } = answer;
  const strict = await strictFormat(schema);
  if (strict !== undefined && isOurs) {
    return [{ schemaIn: 'request', unwrap, wire: strict }, ...lower];
  }
  // The prompt shows the schema without the object around it, so the server must not ask for one.
  const isWrapped = schema.properties !== outputSchema?.properties;
  if (isWrapped) return lower;
  return [{ ...IN_PROMPT, wire: strict ?? jsonSchemaFormat(schema, false) }, ...lower];
}

/** Undefined for a schema that the SDK cannot make strict: optional fields, records or the like. */
async function strictFormat(given: AnswerSchema['schema']): Promise<WireFormat | undefined> {
  const schema = foldedForStrict(given);
  if (schema === undefined) return undefined;
  const { standardTextFormat } = await import('openai/helpers/standard-schema');
  const { '~standard': standard } = {
    '~standard': { version: 1, vendor: 'stratagem', validate: (value: unknown) => ({ value }) },
  } as const;
  try {
    const format = standardTextFormat({ '~standard': standard }, 'answer', { schema });
    return jsonSchemaFormat(format.schema, true);
  } catch {
    return undefined;
  }
}

function jsonSchemaFormat(schema: Record<string, unknown>, strict: boolean): WireFormat {
  return { type: 'json_schema', name: 'answer', strict, schema };
}
