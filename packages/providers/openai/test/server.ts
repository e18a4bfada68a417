import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach } from 'vitest';

export interface Received {
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
}

type Reply = (response: ServerResponse) => void;

/** A server on loopback that answers as a test tells it to, and remembers what it was asked. */
export function testServer() {
  let reply: Reply = () => {};
  const requests: Received[] = [];
  let closed: Promise<unknown> | undefined;
  const server = createServer(async (request, response) => {
    closed ??= new Promise((resolve) => response.on('close', resolve));
    let text = '';
    for await (const chunk of request) text += chunk;
    requests.push({ path: request.url, headers: request.headers, body: JSON.parse(text) });
    reply(response);
  });
  beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    requests.length = 0;
    closed = undefined;
  });
  return {
    requests,
    get url() {
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    },
    /** Resolves when the connection of the first request is done with that request. */
    get closed() {
      return closed;
    },
    replyWith(next: Reply) {
      reply = next;
    },
  };
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Reply {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
}

/** A whole stream. */
export function stream(events: readonly object[], headers: Record<string, string> = {}): Reply {
  return (response) => {
    begin(response, events, headers);
    response.end('data: [DONE]\n\n');
  };
}

/** No answer at all. */
export const silence: Reply = () => {};

/** A stream that goes silent after these events. */
export function hang(events: readonly object[]): Reply {
  return (response) => begin(response, events);
}

/** A stream whose connection breaks after these events. */
export function cut(events: readonly object[]): Reply {
  return (response) => {
    begin(response, events);
    // Only once the client has had the time to take what was sent.
    setTimeout(() => response.destroy(), 50);
  };
}

/** A connection that breaks before any answer. */
export const reset: Reply = (response) => response.socket?.resetAndDestroy();

function begin(response: ServerResponse, events: readonly object[], headers = {}): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', ...headers });
  response.flushHeaders();
  for (const event of events) response.write(`data: ${JSON.stringify(event)}\n\n`);
}
