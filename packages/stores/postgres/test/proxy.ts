import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A proxy of another server that breaks off connections on request. */
export interface Proxy {
  readonly url: string;
  /** Breaks off every connection. */
  cut(): void;
  /**
   * Breaks off the next connection that sends this text, before it is passed on.
   *
   * @param meanwhile What happens before the client hears of it.
   */
  cutBefore(text: string, meanwhile?: () => Promise<unknown>): void;
  /** Breaks off the next connection that sends this text, when the server has answered to it. */
  cutAfter(text: string): void;
  /** Ends the next connection with an error of the server, in one packet with its readiness. */
  failWhenReady(): void;
  /** Calls the function with the length of each message; a connection is broken off when it is true. */
  cutWhen(isEnd: (length: number) => boolean): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The messages of the protocol: ready for a query, and the end of a connection by an administrator. */
const READY = Buffer.from('Z\0\0\0\x05I', 'latin1');
const SHUTDOWN = (() => {
  const fields = Buffer.from('SFATAL\0C57P01\0Mterminating connection\0\0', 'latin1');
  const head = Buffer.alloc(5);
  head.write('E', 'latin1');
  head.writeInt32BE(4 + fields.length, 1);
  return Buffer.concat([head, fields]);
})();

export async function startProxy(target: string): Promise<Proxy> {
  const url = new URL(target);
  const sockets = new Set<Socket>();
  let before: { text: string; meanwhile: (() => Promise<unknown>) | undefined } | undefined;
  let after: string | undefined;
  let failsWhenReady = false;
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
      if (isAnswerDropped || isEnd(data.length)) return end();
      if (failsWhenReady && data.subarray(-READY.length).equals(READY)) {
        failsWhenReady = false;
        upstream.destroy();
        client.end(Buffer.concat([data, SHUTDOWN]));
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
    cutBefore(text, meanwhile) {
      before = { text, meanwhile };
    },
    cutAfter(text) {
      after = text;
    },
    failWhenReady() {
      failsWhenReady = true;
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
