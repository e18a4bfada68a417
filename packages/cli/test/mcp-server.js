// An MCP server with one tool, which a test of the command line starts.
import { McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

serveStdio(() => {
  const server = new McpServer({ name: 'stock', version: '1.0.0' });
  const inputSchema = z.object({ article: z.string() });
  server.registerTool('stock', { description: 'Pieces in stock.', inputSchema }, ({ article }) => ({
    content: [{ type: 'text', text: `12 ${article} in stock` }],
  }));
  return server;
});
