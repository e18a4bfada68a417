import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A way to a server that can be cut, as a network may be. */
export interface Relay {
  readonly url: string;
  /** Forwards nothing more and closes no connection, so neither side gets an error. */
  cut(): void;
  /** Forwards nothing more over the present connections and closes none of them; new ones work. */
  silence(): void;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startRelay(target: string): Promise<Relay> {
  const url = new URL(target);
  const { hostname, port: targetPort } = url;
  const sockets = new Set<Socket>();
  let isCut = false;
  let silenced = 0;
  let connections = 0;
  const server = createServer((client) => {
    sockets.add(client);
    client.on('error', () => {});
    if (isCut) return;
    const number = ++connections;
    const isSilent = () => isCut || number <= silenced;
    const upstream = connect(Number(targetPort), hostname);
    sockets.add(upstream);
    upstream.on('error', () => client.destroy());
    const pass = (from: Socket, to: Socket) => {
      from.on('data', (data) => {
        if (!isSilent()) to.write(data);
      });
      from.on('close', () => {
        if (!isSilent()) to.destroy();
      });
    };
    pass(client, upstream);
    pass(upstream, client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { readonly port: number };
  url.host = `127.0.0.1:${port}`;
  return {
    url: url.href,
    cut() {
      isCut = true;
    },
    silence() {
      silenced = connections;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
