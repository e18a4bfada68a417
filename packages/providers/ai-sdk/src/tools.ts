import { type RequestTool, toolParametersOf } from '@stratagem/core/runner';
import type { ToolSet } from 'ai';

/**
 * The task's tools in the form of the SDK, whose loop calls them. The tools validate their input and
 * write their calls to the log themselves.
 */
export async function toolSetOf(tools: readonly RequestTool[]): Promise<ToolSet> {
  const { jsonSchema, tool } = await import('ai');
  return Object.fromEntries(
    tools.map(({ name, description, inputSchema, call }) => [
      name,
      tool({
        description,
        inputSchema: jsonSchema(toolParametersOf(inputSchema)),
        execute: (input: unknown, { toolCallId, abortSignal }) =>
          call(input, toolCallId, abortSignal),
        toModelOutput: ({ output: { ok, text } }) => ({
          type: ok ? 'text' : 'error-text',
          value: text,
        }),
      }),
    ]),
  );
}
