export { type McpTools, mcpTools } from './mcp-tools.js';
export type { McpHttpOptions, McpOptions, McpStdioOptions, McpToolOptions } from './options.js';
