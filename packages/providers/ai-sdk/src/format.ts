import type { TaskRequest } from '@stratagem/core';
import { answerSchemaOf } from '@stratagem/core/runner';
import type { LanguageModel } from 'ai';

/**
 * The structured outputs of a request, from the one to ask for to those for a provider that refuses
 * it. The prompt describes the schema too, as not every provider enforces it. Undefined when any text
 * fits, and for schemas without an object at the root: no provider takes those, and wrapping them in
 * an object would contradict the prompt.
 */
export async function structuredOutputsOf({ outputSchema }: TaskRequest, model: LanguageModel) {
  const answer = answerSchemaOf(outputSchema);
  if (answer === undefined || outputSchema?.type !== 'object') return [undefined];
  const { jsonSchema, Output } = await import('ai');
  const { supportsStructuredOutputs } = Object(model) as { supportsStructuredOutputs?: boolean };
  const json = Output.json();
  const outputs =
    // With a schema, a model that declares no support would warn at each request.
    supportsStructuredOutputs === false
      ? [json]
      : [Output.object({ schema: jsonSchema(answer.schema) }), json];
  const streamed = outputs.map((output) => ({
    ...output,
    // Streams the text as it arrives. The SDK's JSON parser would hold text back, and parse the whole
    // answer again at each piece.
    parsePartialOutput: Output.text().parsePartialOutput,
  }));
  return [...streamed, undefined];
}
