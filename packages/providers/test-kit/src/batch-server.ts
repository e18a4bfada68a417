import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach } from 'vitest';

/** A request to a batch server, with its body as text. */
export interface BatchCall {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Answers a call; undefined for an unknown route. */
export type BatchRoutes = (call: BatchCall) => BatchAnswer | undefined;

export interface BatchAnswer {
  readonly status?: number | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** A text is sent unchanged, any other value as JSON. */
  readonly body: unknown;
}

/** A server on loopback for APIs with files and jobs. */
export function batchServer(path: string) {
  let routes: BatchRoutes = () => undefined;
  const calls: BatchCall[] = [];
  const server = createServer(async (request, response) => {
    const body = await text(request).catch(() => undefined);
    // The client has left.
    if (body === undefined) return;
    const call = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      body,
    };
    calls.push(call);
    answer(response, routes(call) ?? { status: 404, body: { error: { message: 'No route.' } } });
  });
  beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    calls.length = 0;
  });
  return {
    calls,
    get url() {
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
    },
    serve(next: BatchRoutes) {
      routes = next;
    },
  };
}

function answer(response: ServerResponse, { status = 200, headers, body }: BatchAnswer): void {
  const isText = typeof body === 'string';
  const type = isText ? 'application/x-jsonl' : 'application/json';
  response.writeHead(status, { 'content-type': type, ...headers });
  response.end(isText ? body : JSON.stringify(body));
}
