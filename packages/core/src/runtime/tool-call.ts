import { RunnerError } from '../contract/errors.js';
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
    async call(given, callId = `${name}-${++calls}`, signal = context.signal) {
      requireRunning(signal);
      const input = typeof given === 'string' ? fromJson(given) : given;
      await context.emit({ kind: 'tool_call', callId, tool: name, input });
      // Loaded when it is needed: most runs call no tools.
      const { resultOf } = await import('./tool-execution.js');
      const began = performance.now();
      const result = await resultOf(tool, input, { context, callId, signal, requireRunning });
      requireRunning(signal);
      const durationMs = performance.now() - began;
      const { text: _, ...reported } = result;
      await context.emit({ kind: 'tool_result', callId, tool: name, ...reported, durationMs });
      return result;
    },
  };
}

/** Parses JSON if possible. Models that call a tool without input send an empty string. */
function fromJson(text: string): unknown {
  try {
    return text.trim() === '' ? {} : JSON.parse(text);
  } catch {
    return text;
  }
}

function requireRunning(signal: AbortSignal): void {
  if (!signal.aborted) return;
  const { reason: cause } = signal;
  throw new RunnerError('aborted', 'the attempt was stopped while a tool was called', { cause });
}
