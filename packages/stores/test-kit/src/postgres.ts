import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where Debian and Ubuntu install the programs of each version. */
const DEBIAN = '/usr/lib/postgresql';
const START_MS = 30_000;

export interface PostgresServer {
  /** With the user and the password of a superuser. */
  readonly url: string;
  readonly port: number;
  /** Ends its processes at once, without a chance to write anything, like a crash. */
  kill(): Promise<void>;
  /** Starts it again after `kill` or `stop`, on the same port and with the same data. */
  start(): Promise<void>;
  /** Ends it as a restart does: connections are broken off. */
  stop(): Promise<void>;
  /** Ends it and deletes its data. */
  [Symbol.asyncDispose](): Promise<void>;
}

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
export async function startPostgres(
  settings: Record<string, string> = {},
): Promise<PostgresServer> {
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
  let server: ChildProcess | undefined;
  let log = '';

  const attempt = async (): Promise<boolean> => {
    const child = spawn(join(bin, 'postgres'), ['-D', data, ...args], {
      ...user,
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    server = child;
    child.stderr?.on('data', (text) => {
      log = (log + text).slice(-4_000);
    });
    child.unref();
    const until = performance.now() + START_MS;
    while (performance.now() < until && child.exitCode === null && child.signalCode === null) {
      if (await accepts(port)) return true;
      await sleep(20);
    }
    return false;
  };

  const start = async () => {
    const until = performance.now() + START_MS;
    // After a kill, the old processes may hold the shared memory for a moment.
    while (!(await attempt())) {
      if (performance.now() > until) throw new Error(`PostgreSQL does not start:\n${log}`);
      await sleep(50);
    }
  };

  const end = async (signal: NodeJS.Signals) => {
    const child = server;
    server = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.ref();
    const closed = once(child, 'exit');
    const children = signal === 'SIGKILL' ? childrenOf(child.pid as number) : [];
    child.kill(signal);
    for (const pid of children) signalProcess(pid, signal);
    await closed;
    for (const pid of children) while (isAlive(pid)) await sleep(5);
  };

  const onExit = () => {
    if (server?.pid !== undefined) signalProcess(server.pid, 'SIGQUIT');
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', onExit);

  await start();
  return {
    url: `postgres://tester:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/postgres`,
    port,
    kill: () => end('SIGKILL'),
    start,
    stop: () => end('SIGINT'),
    async [Symbol.asyncDispose]() {
      await end('SIGQUIT');
      process.removeListener('exit', onExit);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Has characters that a URL encodes, and is easy to find where it must not be. */
const PASSWORD = 'hunter2/sesame';

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

/** The processes that a process has started, on Linux. */
function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return text.split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function isAlive(pid: number): boolean {
  try {
    // A process that has ended and waits for its parent holds nothing any more.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended.
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
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

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
