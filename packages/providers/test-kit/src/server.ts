import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach } from 'vitest';

export interface Received {
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
}

export type Reply = (response: ServerResponse, received: Received) => void;

/** A server on loopback with replies set by a test. It records its requests. */
export function testServer(path = '') {
  let replies: readonly Reply[] = [];
  const requests: Received[] = [];
  let closed: Promise<unknown> | undefined;
  const server = createServer(async (request, response) => {
    closed ??= new Promise((resolve) => response.on('close', resolve));
    const sent = await text(request).catch(() => undefined);
    // The client has left.
    if (sent === undefined) return;
    const reply = replies[Math.min(requests.length, replies.length - 1)];
    const received = { path: request.url, headers: request.headers, body: JSON.parse(sent) };
    requests.push(received);
    reply?.(response, received);
  });
  // A slow test leaves connections idle for longer than the default of five seconds.
  server.keepAliveTimeout = 300_000;
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
    /** Resolves when the response to the first request is closed. */
    get closed() {
      return closed;
    },
    /** Sets one reply per request; the last one repeats. */
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

/** Never answers. */
export const silence: Reply = () => {};

/** Breaks the connection before the answer. */
export const reset: Reply = (response) => response.socket?.resetAndDestroy();

/** The stream format of a server. */
export interface Wire<Event extends object> {
  /** An event, as text. */
  readonly write: (event: Event) => string;
  /** The text after the last event. */
  readonly end: string;
}

/** Streams in this format: complete, silent after some events, or cut off there. */
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
        // Leaves the client time to receive the events.
        setTimeout(() => response.destroy(), 50);
      },
  };
}
