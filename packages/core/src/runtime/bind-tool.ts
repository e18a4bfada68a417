import { jsonSchemaOf } from '../contract/schema.js';
import type { RequestTool, Tool } from '../contract/tool.js';
import type { CallingAttempt } from './tool-call.js';

/** Binds a tool to an attempt, for its runner. */
export function bindTool(tool: Tool, context: CallingAttempt): RequestTool {
  const { name, description, inputSchema } = tool;
  let calls = 0;
  const repeats = new Map<string, number>();
  return {
    name,
    description,
    inputSchema: jsonSchemaOf(inputSchema, 'input') ?? { type: 'object' },
    async call(given, callId = `${name}-${++calls}`, signal = context.signal) {
      // Loaded by the first call, as most plans have no tools.
      const { callTool } = await import('./tool-call.js');
      return callTool(tool, given, { context, callId, signal, repeats });
    },
  };
}
