import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach } from 'vitest';

export interface Received {
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
}

export type Reply = (response: ServerResponse, received: Received) => void;

/** A server on loopback that answers as a test tells it to, and remembers what it was asked. */
export function testServer(path = '') {
  let replies: readonly Reply[] = [];
  const requests: Received[] = [];
  let closed: Promise<unknown> | undefined;
  const server = createServer(async (request, response) => {
    closed ??= new Promise((resolve) => response.on('close', resolve));
    let text = '';
    for await (const chunk of request) text += chunk;
    const reply = replies[Math.min(requests.length, replies.length - 1)];
    const received = { path: request.url, headers: request.headers, body: JSON.parse(text) };
    requests.push(received);
    reply?.(response, received);
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
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
    },
    /** Resolves when the connection of the first request is done with that request. */
    get closed() {
      return closed;
    },
    /** One reply for each request, counted from the start of the test; the last for all others. */
    replyWith(...next: readonly Reply[]) {
      replies = next;
      requests.length = 0;
    },
  };
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Reply {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
}

/** No answer at all. */
export const silence: Reply = () => {};

/** A connection that breaks before any answer. */
export const reset: Reply = (response) => response.socket?.resetAndDestroy();

/** How a kind of server writes its streams. */
export interface Wire<Event extends object> {
  /** One event as it stands in the stream. */
  readonly write: (event: Event) => string;
  /** What comes after the last. */
  readonly end: string;
}

/** Streams as this kind of server sends them: whole, silent after some events, or cut off there. */
export function streamsOf<Event extends object>({ write, end }: Wire<Event>) {
  type Headers = Record<string, string>;
  const begin = (response: ServerResponse, events: readonly Event[], headers: Headers = {}) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', ...headers });
    response.flushHeaders();
    for (const event of events) response.write(write(event));
  };
  return {
    stream:
      (events: readonly Event[], headers: Headers = {}): Reply =>
      (response) => {
        begin(response, events, headers);
        response.end(end);
      },
    hang:
      (events: readonly Event[]): Reply =>
      (response) =>
        begin(response, events),
    cut:
      (events: readonly Event[]): Reply =>
      (response) => {
        begin(response, events);
        // Only once the client has had the time to take what was sent.
        setTimeout(() => response.destroy(), 50);
      },
  };
}
