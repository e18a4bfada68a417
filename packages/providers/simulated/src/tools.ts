import type { RequestTool } from '@stratagem/core/runner';
import { sampleOf } from './sample.js';

/** A tool call of the model. */
export interface Call {
  readonly tool: RequestTool;
  readonly callId: string;
  readonly input: unknown;
}

/** One call of each tool, with a sample input for its schema. */
export function callsOf(tools: readonly RequestTool[], random: () => number): Call[] {
  return tools.map((tool, position) => ({
    tool,
    callId: `call-${position + 1}`,
    input: sampleOf(tool.inputSchema, random),
  }));
}

/** Runs the calls; returns their results as text for the model. */
export async function resultsOf(calls: readonly Call[], signal: AbortSignal): Promise<string> {
  const results = calls.map(({ tool, input, callId }) => tool.call(input, callId, signal));
  return (await Promise.all(results)).map(({ text }) => text).join('\n');
}
