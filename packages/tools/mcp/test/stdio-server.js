// The server that the tests start. Its argument selects the kind of server.
import { writeFileSync } from 'node:fs';
import { Server } from '@modelcontextprotocol/server';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import { createServer } from './tools.js';

const kinds = {
  /** A server as the SDK creates it. */
  tools: () => serveStdio(createServer),
  /** Speaks only the newer protocol. */
  modern: () => serveStdio(createServer, { legacy: 'reject' }),
  /** Lists its tools in three pages. */
  paged: () =>
    serveList(({ cursor = '0' }) => ({
      tools: [listed(`tool-${cursor}`), listed(`other-${cursor}`)],
      ...(cursor !== '2' && { nextCursor: String(Number(cursor) + 1) }),
    })),
  /** Has unusual names and schemas. */
  odd: () =>
    serveList(() => ({
      tools: [
        listed('files/read.all', { description: '', title: 'Read all' }),
        listed('x'.repeat(80), { description: undefined }),
        listed('old', {
          inputSchema: {
            $schema: 'http://json-schema.org/draft-04/schema#',
            type: 'object',
            properties: { count: { type: 'integer', minimum: 0, exclusiveMinimum: true } },
          },
        }),
      ],
    })),
  /** Two of its names differ only in characters that providers do not accept. */
  clashing: () => serveList(() => ({ tools: [listed('files.read'), listed('files/read')] })),
  /** Ignores the end of its input and SIGTERM. */
  stubborn: () => {
    serveStdio(createServer);
    process.on('SIGTERM', () => {});
    setInterval(() => {}, 1_000);
  },
  /** Has a schema with an id; the next argument is the type of its value. */
  identified: () =>
    serveList(() => ({
      tools: [
        listed('same', {
          inputSchema: {
            $id: 'https://example.com/same.json',
            type: 'object',
            properties: { value: { type: process.argv[3] } },
          },
        }),
      ],
    })),
  /** Has prompts, but no tools. */
  toolless: () => {
    const info = { name: 'prompt-server', version: '1.0.0' };
    new Server(info, { capabilities: { prompts: {} } }).connect(new StdioServerTransport());
  },
  /** Responds with more than a client accepts. */
  endless: () =>
    serveList(
      () => ({ tools: [listed('read')] }),
      () => ({ content: [{ type: 'text', text: 'x'.repeat(16 * 2 ** 20) }] }),
    ),
  /** Promises structured content, and sends a text. */
  promising: () =>
    serveList(() => ({
      tools: [
        listed('sum', {
          outputSchema: {
            type: 'object',
            properties: { sum: { type: 'number' } },
            required: ['sum'],
          },
        }),
      ],
    })),
  /** Initializes, but never lists its tools. */
  mute: () => serveList(() => new Promise(() => {})),
  /** Writes a long text to standard error, then ends. */
  loud: () => process.stderr.write(`${'many words '.repeat(1_000)}the end`),
  /** Never responds; writes its process id to the file in the next argument. */
  silent() {
    writeFileSync(process.argv[3], String(process.pid));
    process.stdin.resume();
  },
  /** Ends at once. */
  broken() {
    process.stderr.write(`cannot read the configuration for ${process.env.SERVER_TOKEN}\n`);
    process.exitCode = 3;
  },
};

kinds[process.argv[2] ?? 'tools']();

function listed(name, more = {}) {
  return { name, description: `This is ${name}.`, inputSchema: { type: 'object' }, ...more };
}

function serveList(
  list,
  call = ({ params: { name, arguments: input } }) => ({
    content: [{ type: 'text', text: JSON.stringify({ name, arguments: input }) }],
  }),
) {
  const info = { name: 'list-server', version: '1.0.0' };
  const server = new Server(info, { capabilities: { tools: {} } });
  server.setRequestHandler('tools/list', ({ params = {} }) => list(params));
  server.setRequestHandler('tools/call', call);
  server.connect(new StdioServerTransport());
}
