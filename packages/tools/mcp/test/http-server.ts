import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import {
  createMcpHandler,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import { createServer as createMcpServer } from './tools.js';

type Handler = (request: Request) => Promise<Response>;

export interface HttpServer {
  readonly url: string;
  /** The method and headers of each request. */
  readonly requests: { method: string; headers: Headers }[];
  /** Closes all connections and accepts no more. */
  kill(): void;
}

/** A loopback server that responds with `handle`. */
export async function serve(handle: Handler): Promise<HttpServer> {
  const requests: HttpServer['requests'] = [];
  const server: Server = createServer(async (incoming, outgoing) => {
    const request = requestOf(incoming, outgoing);
    requests.push({ method: request.method, headers: request.headers });
    const response = await handle(request).catch(() => undefined);
    // The client has left while its request was read.
    if (response === undefined) return outgoing.destroy();
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    outgoing.flushHeaders();
    if (response.body === null) return outgoing.end();
    const body = Readable.fromWeb(response.body as ReadableStream);
    body.on('error', () => outgoing.destroy());
    return body.pipe(outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    requests,
    kill() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** The tools of `tools.js`, over the newer protocol and, on request, the legacy one. */
export function modernTools(): Handler {
  return createMcpHandler(createMcpServer).fetch;
}

/** The tools of `tools.js`, over the legacy protocol only, with sessions. */
export function sessionTools(): { handle: Handler; sessions: Map<string, unknown> } {
  const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();
  const handle: Handler = async (request) => {
    const known = sessions.get(request.headers.get('mcp-session-id') ?? '');
    if (known !== undefined) return known.handleRequest(request);
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, transport),
      onsessionclosed: (id) => void sessions.delete(id),
    });
    await createMcpServer().connect(transport);
    return transport.handleRequest(request);
  };
  return { handle, sessions };
}

function requestOf(incoming: IncomingMessage, outgoing: ServerResponse): Request {
  const { method = 'GET', url = '/' } = incoming;
  const gone = new AbortController();
  outgoing.on('close', () => gone.abort());
  return new Request(new URL(url, 'http://127.0.0.1'), {
    method,
    headers: incoming.headers as Record<string, string>,
    signal: gone.signal,
    ...(method === 'POST' && { body: Readable.toWeb(incoming), duplex: 'half' }),
  });
}
