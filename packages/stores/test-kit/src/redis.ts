import { existsSync, mkdtempSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import {
  freePort,
  type LocalServer,
  PASSWORD,
  startLocalServer,
} from '@stratagem/server-kit/local-server';

/** Why no server can be started here; undefined when one can. */
export function redisProblem(): string | undefined {
  if (program() !== undefined) return undefined;
  return 'Redis is not installed: apt-get install redis-server (its tests are skipped)';
}

/**
 * Starts a Redis or Valkey server on loopback, which writes all that it is told into an append-only
 * file in a temporary folder.
 *
 * @param settings Changes of its configuration.
 * @throws {Error} when there is a {@link redisProblem}, or it does not start.
 */
export async function startRedis(settings: Record<string, string> = {}): Promise<LocalServer> {
  const command = program();
  if (command === undefined) throw new Error(redisProblem());
  const folder = mkdtempSync(join(tmpdir(), 'stratagem-redis-'));
  const port = await freePort();
  const options = {
    bind: '127.0.0.1',
    port: `${port}`,
    dir: folder,
    save: '',
    appendonly: 'yes',
    appendfsync: 'always',
    requirepass: PASSWORD,
    ...settings,
  };
  const login = options.requirepass === '' ? '' : `:${encodeURIComponent(options.requirepass)}@`;
  return startLocalServer({
    name: 'Redis',
    url: `redis://${login}127.0.0.1:${port}`,
    ...{ port, command, folder },
    args: Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]),
    signals: { stop: 'SIGTERM', dispose: 'SIGKILL' },
    accepts: () => accepts(port),
  });
}

/** The first server on the path. */
function program(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const files = folders.flatMap((folder) =>
    ['redis-server', 'valkey-server'].map((name) => join(folder, name)),
  );
  return files.find((file) => existsSync(file));
}

/** Whether the server has loaded its data; it answers with an error before. */
function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (isReady: boolean) => {
      socket.destroy();
      resolve(isReady);
    };
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
    let replies = '';
    socket.once('connect', () => socket.write(`AUTH ${PASSWORD}\r\nPING\r\n`));
    socket.on('data', (data) => {
      replies += data.toString('latin1');
      if (replies.split('\r\n').length > 2) end(replies.includes('+PONG'));
    });
    socket.setTimeout(2_000, () => end(false));
  });
}
