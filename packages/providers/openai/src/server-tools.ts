import type { ServerToolCall } from '@stratagem/core';
import {
  type CallOptions,
  definedFields,
  inputJson,
  OptionError,
  RunnerError,
  readServerToolCall,
  type ServerToolOptions,
  serverToolsOf,
} from '@stratagem/core/runner';
import type { Response, ResponseIncludable, Tool } from 'openai/resources/responses/responses';

/** The fields of a request for the Responses API that let OpenAI run its own tools. */
export interface ServerToolFields {
  readonly tools: readonly Tool[];
  readonly include: readonly ResponseIncludable[];
  readonly max_tool_calls?: number | undefined;
}

/** The API's names of the tools. */
export const WIRE_TYPES = { web_search: 'web_search', code_execution: 'code_interpreter' } as const;

/** What the API returns of the calls only when asked. */
const INCLUDED = {
  web_search: 'web_search_call.action.sources',
  code_execution: 'code_interpreter_call.outputs',
} as const;

/** @throws {RunnerError} `invalid_request` for an option that the API does not have. */
export function serverToolFields(
  serverTools: readonly ServerToolOptions[],
  label: string,
): ServerToolFields {
  const problem = problemOf(serverTools);
  if (problem !== undefined) throw new RunnerError('invalid_request', `${label}: ${problem}`);
  const max = serverTools.map((tool) => (tool.type === 'web_search' ? tool.maxUses : undefined));
  return {
    tools: serverTools.map(wireTool),
    include: serverTools.map(({ type }) => INCLUDED[type]),
    ...definedFields({ max_tool_calls: max.find((count) => count !== undefined) }),
  };
}

type Given = Pick<CallOptions, 'serverTools'> & { readonly api?: string | undefined };

/** @throws {OptionError} for server tools that no request of a runner can have. */
export function checkServerTools(owner: string, options: Given): void {
  const tools = serverToolsOf(options, []);
  const problem = tools.length > 0 && options.api === 'chat' ? NOT_IN_CHAT : problemOf(tools);
  if (problem !== undefined) throw new OptionError(`${owner}: ${problem}`);
}

/** @throws {RunnerError} `invalid_request`: Chat Completions has no tools of the server. */
export function refuseServerTools({ serverTools }: Given, label: string): void {
  if (serverTools === undefined) return;
  throw new RunnerError('invalid_request', `${label}: ${NOT_IN_CHAT}`);
}

const NOT_IN_CHAT =
  "Chat Completions has no serverTools; use api: 'responses', or providerOptions.openai with the " +
  'fields of your server';

function problemOf(tools: readonly ServerToolOptions[]): string | undefined {
  for (const tool of tools) {
    if (tool.type !== 'web_search') continue;
    if (tool.blockedDomains !== undefined) {
      return "OpenAI's web_search takes no blockedDomains; use allowedDomains";
    }
    if (tool.maxUses !== undefined && tools.length > 1) {
      return 'OpenAI limits the calls of all serverTools together; remove maxUses or the other tool';
    }
  }
  return undefined;
}

function wireTool(tool: ServerToolOptions): Tool {
  const own = tool.providerOptions?.openai;
  if (tool.type === 'code_execution') {
    return { type: WIRE_TYPES.code_execution, container: { type: 'auto' }, ...own };
  }
  const { allowedDomains, userLocation } = tool;
  return {
    type: WIRE_TYPES.web_search,
    ...(allowedDomains && { filters: { allowed_domains: [...allowedDomains] } }),
    ...(userLocation && { user_location: { type: 'approximate', ...userLocation } }),
    ...own,
  };
}

type Output = Response['output'];

/** Calls whose results the request itself brings, or that are no tools of the server. */
const NOT_OF_SERVER: readonly string[] = ['function_call', 'custom_tool_call'];

/** The calls of tools that OpenAI ran for an answer, with the files that code left. */
export function serverToolCallsIn(output: Output): ServerToolCall[] {
  const files = filesIn(output);
  const calls = output.flatMap((item) => {
    if (!item.type.endsWith('_call') || NOT_OF_SERVER.includes(item.type)) return [];
    const { name, container_id } = item as { name?: unknown; container_id?: unknown };
    const tool = item.type === 'mcp_call' ? String(name) : item.type.replace(/_call$/, '');
    const call = readServerToolCall(tool, item, item);
    if (call.tool !== 'code_execution') return call;
    const written = files.filter((file) => file.containerId === container_id);
    for (const file of written) files.splice(files.indexOf(file), 1);
    return written.length === 0 ? call : { ...call, files: [...(call.files ?? []), ...written] };
  });
  return files.length === 0 ? calls : [...calls, { tool: 'code_execution', files }];
}

/** The calls of tools that a server of Chat Completions ran, as Groq lists them in its message. */
export function executedTools(listed: unknown): ServerToolCall[] {
  if (!Array.isArray(listed)) return [];
  return listed.map((each) => {
    const { type, name, arguments: input, search_results: found, ...result } = Object(each);
    const { results } = Object(found) as { results?: unknown };
    const given: unknown = typeof input === 'string' ? JSON.parse(inputJson(input)) : input;
    return readServerToolCall(String(name ?? type), given, { ...result, results });
  });
}

/** An answer names the files of a container in its annotations. */
function filesIn(output: Output) {
  return output.flatMap((item) => {
    if (item.type !== 'message') return [];
    return item.content.flatMap((part) => {
      const annotations = part.type === 'output_text' ? (part.annotations ?? []) : [];
      return annotations.flatMap((each) => {
        if (each.type !== 'container_file_citation') return [];
        const { file_id: id, filename, container_id: containerId } = each;
        return definedFields({ id, filename, containerId });
      });
    });
  });
}
