import type {
  ContentBlockParam,
  Message,
  MessageCreateParamsContainer,
  ToolUnion,
} from '@anthropic-ai/sdk/resources/messages/messages';
import type { ServerToolCall } from '@stratagem/core';
import { readServerToolCall, type ServerToolOptions } from '@stratagem/core/runner';
import type { AnthropicOptions } from './options.js';

/** Every model takes these versions. `providerOptions.anthropic.type` of a tool asks for another one. */
const VERSIONS = {
  web_search: 'web_search_20250305',
  code_execution: 'code_execution_20250825',
} as const;

/** A tool that Anthropic runs, in the words of its API. */
export function wireServerTool(tool: ServerToolOptions): ToolUnion {
  const own = tool.providerOptions?.anthropic;
  if (tool.type === 'code_execution') {
    return { type: VERSIONS.code_execution, name: tool.type, ...own };
  }
  const { maxUses, allowedDomains, blockedDomains, userLocation } = tool;
  return {
    type: VERSIONS.web_search,
    name: tool.type,
    ...(maxUses !== undefined && { max_uses: maxUses }),
    ...(allowedDomains && { allowed_domains: [...allowedDomains] }),
    ...(blockedDomains && { blocked_domains: [...blockedDomains] }),
    ...(userLocation && { user_location: { type: 'approximate' as const, ...userLocation } }),
    ...own,
  };
}

/** The container that a conversation goes on in, with the files that its code has written. */
export function containerField(
  id: string | undefined,
  { providerOptions }: AnthropicOptions,
): { readonly container?: MessageCreateParamsContainer } {
  if (id === undefined) return {};
  const { container } = providerOptions?.anthropic ?? {};
  // A container with skills is an object.
  return { container: typeof container === 'object' ? { id } : id };
}

/** The id of the container that the code of an answer ran in. */
export function containerIdOf(container: Partial<Message['container']> | undefined) {
  return typeof container?.id === 'string' ? container.id : undefined;
}

const CALLS: readonly string[] = ['server_tool_use', 'mcp_tool_use'];

/** The calls of tools that Anthropic ran for an answer. Each result is a block of its own. */
export function serverToolCallsIn(content: readonly ContentBlockParam[]): ServerToolCall[] {
  const blocks = content as readonly Block[];
  const results = new Map(
    blocks.flatMap(({ tool_use_id, content }) =>
      tool_use_id === undefined ? [] : [[tool_use_id, content] as const],
    ),
  );
  const calls = blocks.filter(({ type }) => CALLS.includes(type));
  return calls.map(({ id, name, input }) =>
    readServerToolCall(String(name), input, results.get(id ?? '')),
  );
}

/** The fields of a call and of its result. */
interface Block {
  readonly type: string;
  readonly id?: string;
  readonly name?: string;
  readonly input?: unknown;
  readonly tool_use_id?: string;
  readonly content?: unknown;
}
