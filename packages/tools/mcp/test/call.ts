import type { ToolContext } from '@stratagem/core';
import { attempt } from '@stratagem/test-kit';
import type { McpTools } from '../src/index.js';

/** Calls a tool with valid input, as the tool loop would. */
export function call(
  { tools }: McpTools,
  name: string,
  input: object = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<unknown> {
  const tool = tools.find((each) => each.name === name);
  if (tool === undefined) throw new Error(`there is no tool ${name}`);
  const context: ToolContext = { ...attempt({ signal }), callId: 'call-1' };
  return tool.execute(input, context) as Promise<unknown>;
}
