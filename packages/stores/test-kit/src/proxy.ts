import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A proxy of another server that breaks off connections on request. */
export interface TestProxy {
  readonly url: string;
  /** Breaks off every connection. */
  cut(): void;
  /** Passes nothing more on, over the connections that there are: both ends believe that they are open. */
  stall(): void;
  /**
   * Breaks off the next connection that sends this text, before it is passed on.
   *
   * @param meanwhile What happens before the client hears of it.
   */
  cutBefore(text: string, meanwhile?: () => Promise<unknown>): void;
  /** Breaks off the next connection that sends this text, when the server has answered to it. */
  cutAfter(text: string): void;
  /** Ends the next connection whose answer ends with these bytes, with more of them in one packet. */
  endAfter(answer: Buffer, more: Buffer): void;
  /** Calls the function with the length of each message; a connection is broken off when it is true. */
  cutWhen(isEnd: (length: number) => boolean): void;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startProxy(target: string): Promise<TestProxy> {
  const url = new URL(target);
  const sockets = new Set<Socket>();
  const stalled = new WeakSet<Socket>();
  let before: { text: string; meanwhile: (() => Promise<unknown>) | undefined } | undefined;
  let after: string | undefined;
  let last: { readonly answer: Buffer; readonly more: Buffer } | undefined;
  let isEnd: (length: number) => boolean = () => false;

  const server = createServer((client) => {
    const upstream = connect(Number(url.port), url.hostname);
    let isAnswerDropped = false;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => {});
    }
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    client.on('close', end);
    // What it has sent before its end still arrives.
    upstream.on('close', () => client.end());
    client.on('data', (data: Buffer) => {
      if (stalled.has(client)) return;
      if (before !== undefined && data.includes(before.text)) {
        const { meanwhile } = before;
        before = undefined;
        if (meanwhile === undefined) return end();
        meanwhile().finally(end);
        return;
      }
      if (after !== undefined && data.includes(after)) {
        after = undefined;
        isAnswerDropped = true;
      }
      if (isEnd(data.length)) {
        // Half of a message may arrive as well.
        upstream.write(data.subarray(0, data.length / 2));
        return end();
      }
      upstream.write(data);
    });
    upstream.on('data', (data: Buffer) => {
      if (stalled.has(upstream)) return;
      if (isAnswerDropped || isEnd(data.length)) return end();
      if (last !== undefined && data.subarray(-last.answer.length).equals(last.answer)) {
        const { more } = last;
        last = undefined;
        upstream.destroy();
        client.end(Buffer.concat([data, more]));
        return;
      }
      client.write(data);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const here = new URL(target);
  here.port = `${port}`;
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };

  return {
    url: here.href,
    cut,
    stall() {
      for (const socket of sockets) stalled.add(socket);
    },
    cutBefore(text, meanwhile) {
      before = { text, meanwhile };
    },
    cutAfter(text) {
      after = text;
    },
    endAfter(answer, more) {
      last = { answer, more };
    },
    cutWhen(given) {
      isEnd = given;
    },
    async [Symbol.asyncDispose]() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
