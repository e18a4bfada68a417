import type { TaskRequest } from '@stratagem/core';
import { answerSchemaOf } from '@stratagem/core/provider';
import type { LanguageModel } from 'ai';

/**
 * How the request asks for the task's schema; the prompt says it as well, as not every provider
 * heeds it here. Undefined when any text will do, and for schemas that are not of an object: no
 * provider takes those, and wrapped in one they would be at odds with the prompt.
 */
export async function formatOf({ outputSchema }: TaskRequest, model: LanguageModel) {
  const answer = answerSchemaOf(outputSchema);
  if (answer === undefined || outputSchema?.type !== 'object') return undefined;
  const { jsonSchema, Output } = await import('ai');
  const { supportsStructuredOutputs } = Object(model) as { supportsStructuredOutputs?: boolean };
  return {
    // A model that says it cannot take a schema would warn at each request that has one.
    ...(supportsStructuredOutputs === false
      ? Output.json()
      : Output.object({ schema: jsonSchema(answer.schema) })),
    // The text goes on as it comes. The SDK would hold it back until it makes better JSON, and read
    // all of it again at each piece.
    parsePartialOutput: Output.text().parsePartialOutput,
  };
}
