import type { StandardSchema, Tool } from '@stratagem/core';
import { checkMcpOptions, type McpOptions } from './options.js';
import { connectLasting } from './reconnect.js';
import { toolsOf } from './tools.js';

/** The tools of an MCP server, and their connection. */
export interface McpTools extends AsyncDisposable {
  /** The tools that the server listed when the connection was opened. */
  readonly tools: readonly Tool<StandardSchema>[];
  /**
   * Ends the connection, and the server process that it started. Calls in flight fail. A second call
   * has no effect.
   */
  close(): Promise<void>;
}

/**
 * Connects to an MCP server, over standard input and output or over HTTP, and returns its tools for the
 * `tools` of tasks. The model gets the error of a failed call, and of an input that does not match the
 * tool's schema. A server that has stopped is started again for the next call.
 *
 * @throws {OptionError} when an option is unknown or cannot be used.
 * @throws {RunnerError} `connection`, `timeout`, `authentication`, … when the server cannot be reached.
 *
 * @example
 * await using files = await mcpTools({
 *   command: 'npx',
 *   args: ['-y', '@modelcontextprotocol/server-filesystem', '.'],
 * });
 * createPlan('Tidy up').addTask({ id: 'list', description: 'What lies around?', tools: files.tools });
 */
export async function mcpTools(options: McpOptions): Promise<McpTools> {
  checkMcpOptions(options);
  const connection = await connectLasting(options);
  const { close } = connection;
  try {
    return { tools: await toolsOf(connection, options), close, [Symbol.asyncDispose]: close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}
