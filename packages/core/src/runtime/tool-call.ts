import type { RunContext } from '../contract/run-context.js';
import { jsonSchemaOf } from '../contract/schema.js';
import type { RequestTool, Tool } from '../contract/tool.js';

/** Binds a tool to an attempt, for its runner. */
export function bindTool(tool: Tool, context: RunContext): RequestTool {
  const { name, description, inputSchema } = tool;
  let calls = 0;
  return {
    name,
    description,
    inputSchema: jsonSchemaOf(inputSchema, 'input') ?? { type: 'object' },
    async call(input, callId = `${name}-${++calls}`, signal = context.signal) {
      // Loaded when it is needed: most models call no tools.
      const { callTool } = await import('./call-tool.js');
      return callTool(tool, input, { context, callId, signal });
    },
  };
}
