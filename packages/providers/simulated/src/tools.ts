import type { RequestTool } from '@stratagem/core';
import { sampleOf } from './sample.js';

/** A call that the model makes. */
export interface Call {
  readonly tool: RequestTool;
  readonly callId: string;
  readonly input: unknown;
}

/** One call of each tool, with an input made up from its schema. */
export function callsOf(tools: readonly RequestTool[], random: () => number): Call[] {
  return tools.map((tool, position) => ({
    tool,
    callId: `call-${position + 1}`,
    input: sampleOf(tool.inputSchema, random),
  }));
}

/** What the model reads of their results. */
export async function resultsOf(calls: readonly Call[], signal: AbortSignal): Promise<string> {
  const results = calls.map(({ tool, input, callId }) => tool.call(input, callId, signal));
  return (await Promise.all(results)).map(({ text }) => text).join('\n');
}
