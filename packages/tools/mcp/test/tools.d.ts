import type { McpServer } from '@modelcontextprotocol/server';

export function createServer(): McpServer;
/** The calls that have arrived, of the tool that never answers. */
export const arrived: { readonly hang: number };
