import type { Tool } from '@stratagem/core';
import { connect } from './connection.js';
import { checkMcpOptions, type McpOptions } from './options.js';
import { toolsOf } from './tools.js';

/** The tools of one MCP server, and the connection that they use. */
export interface McpTools extends AsyncDisposable {
  /** As the server listed them at the start. */
  readonly tools: readonly Tool[];
  /**
   * Ends the connection; a server that we started ends with it. Calls that are under way fail. A
   * second time it does nothing.
   */
  close(): Promise<void>;
}

/**
 * Connects to an MCP server, over standard input and output or over HTTP, and makes its tools ones
 * that tasks can list. What goes wrong in a call, at the server or on the way, is told to the model;
 * so is an input that does not fit the tool's schema.
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
  const connection = await connect(options);
  const { close } = connection;
  try {
    return { tools: await toolsOf(connection, options), close, [Symbol.asyncDispose]: close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}
