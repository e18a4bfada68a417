import { execFileSync, spawnSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  freePort,
  type LocalServer,
  PASSWORD,
  startLocalServer,
} from '@stratagem/server-kit/local-server';

/** Where Debian and Ubuntu install the programs of each version. */
const DEBIAN = '/usr/lib/postgresql';
/** Why no server can be started here; undefined when one can. */
export function postgresProblem(): string | undefined {
  if (programs() === undefined) {
    return 'PostgreSQL is not installed: apt-get install postgresql (its tests are skipped)';
  }
  if (process.getuid?.() === 0 && unprivileged() === undefined) {
    return 'PostgreSQL refuses to run as root, and there is no user "postgres" (its tests are skipped)';
  }
  return undefined;
}

/**
 * Starts a PostgreSQL server on loopback, with its data in a temporary folder. As root, its processes
 * belong to the user `postgres`, because it refuses to run as root.
 *
 * @throws {Error} when there is a {@link postgresProblem}, or it does not start.
 */
export async function startPostgres(settings: Record<string, string> = {}): Promise<LocalServer> {
  const problem = postgresProblem();
  if (problem !== undefined) throw new Error(problem);
  const bin = programs() as string;
  const user = process.getuid?.() === 0 ? unprivileged() : undefined;
  const folder = mkdtempSync(join(tmpdir(), 'stratagem-postgres-'));
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, PASSWORD);
  if (user !== undefined)
    for (const each of [folder, passwordFile]) chownSync(each, user.uid, user.gid);
  const data = join(folder, 'data');
  const initialize = [
    ...['-D', data, '-U', 'tester', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`],
    ...['-E', 'UTF8', '--no-locale', '--no-sync'],
  ];
  execFileSync(join(bin, 'initdb'), initialize, { ...user, cwd: folder, stdio: 'pipe' });
  const port = await freePort();
  const options = {
    listen_addresses: '127.0.0.1',
    port: `${port}`,
    unix_socket_directories: '',
    // The processes are killed, the machine is not: what the system has survives.
    fsync: 'off',
    max_connections: '60',
    ...settings,
  };
  const args = Object.entries(options).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return startLocalServer({
    name: 'PostgreSQL',
    url: `postgres://tester:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/postgres`,
    ...{ port, command: join(bin, 'postgres'), args: ['-D', data, ...args], folder, user },
    signals: { stop: 'SIGINT', dispose: 'SIGQUIT' },
    accepts: () => accepts(port),
  });
}

/** The folder of the programs; undefined when they are not installed. */
function programs(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).map(Number) : [];
  const newest = versions.filter((version) => version >= 15).sort((a, b) => b - a);
  for (const version of newest) {
    const bin = join(DEBIAN, `${version}`, 'bin');
    if (existsSync(join(bin, 'initdb'))) return bin;
  }
  const { status, stdout } = spawnSync('pg_config', ['--bindir'], { encoding: 'utf8' });
  const bin = status === 0 ? stdout.trim() : '';
  return existsSync(join(bin, 'initdb')) ? bin : undefined;
}

function unprivileged(): { readonly uid: number; readonly gid: number } | undefined {
  const line = /^postgres:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'));
  return line === null ? undefined : { uid: Number(line[1]), gid: Number(line[2]) };
}

/** Whether the server answers to a start of TLS, which it does when it accepts connections. */
function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (isReady: boolean) => {
      socket.destroy();
      resolve(isReady);
    };
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
    socket.once('connect', () => socket.write(STARTUP));
    // "the database system is starting up" is an error (E); otherwise it asks for the password (R).
    socket.once('data', (data) => end(data[0] === 82));
    socket.setTimeout(2_000, () => end(false));
  });
}

/** The first message of a connection: its length, version 3.0 of the protocol, and the user. */
const STARTUP = (() => {
  const parameters = Buffer.from('user\0tester\0database\0postgres\0\0');
  const head = Buffer.alloc(8);
  head.writeInt32BE(8 + parameters.length, 0);
  head.writeInt32BE(196_608, 4);
  return Buffer.concat([head, parameters]);
})();
