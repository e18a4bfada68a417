import type { CallOptions } from '../contract/call-options.js';
import { RunnerError } from '../contract/errors.js';
import type {
  CodeExecution,
  ServerTool,
  ServerToolType,
  WebSearch,
} from '../contract/server-tool.js';
import type { RequestTool } from '../contract/tool.js';

/** A tool of the provider as an object. */
export type ServerToolOptions = WebSearch | CodeExecution;

/**
 * The tools that the provider is to run, as objects.
 *
 * @param tools The tools of the task.
 * @throws {RunnerError} `invalid_request` when a tool of the task has the name of one of them.
 */
export function serverToolsOf(
  { serverTools = [] }: Pick<CallOptions, 'serverTools'>,
  tools: readonly Pick<RequestTool, 'name'>[],
): readonly ServerToolOptions[] {
  return serverTools.map((given: ServerTool) => {
    const tool = (typeof given === 'string' ? { type: given } : given) as ServerToolOptions;
    if (!tools.some(({ name }) => name === tool.type)) return tool;
    const message = `serverTools: the task has a tool named ${tool.type} too; rename one of them`;
    throw new RunnerError('invalid_request', message);
  });
}

/** The names of all tools that a model may call, for `toolChoiceFor`. */
export function toolNamesOf(
  tools: readonly Pick<RequestTool, 'name'>[],
  serverTools: readonly ServerToolOptions[],
): readonly { readonly name: string }[] {
  if (serverTools.length === 0) return tools;
  return [...tools, ...serverTools.map(({ type }) => ({ name: type }))];
}

/** Whether a name is that of a tool that the provider is to run. */
export function isServerTool(
  serverTools: readonly ServerToolOptions[],
  name: string,
): name is ServerToolType {
  return serverTools.some(({ type }) => type === name);
}
