import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';

const START_MS = 120_000;

/** A server of this machine, with its data in a temporary folder. */
export interface LocalServer {
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

export interface LocalServerSettings {
  readonly name: string;
  readonly url: string;
  readonly port: number;
  readonly command: string;
  readonly args: readonly string[];
  /** Deleted at the end. */
  readonly folder: string;
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
  /** How it is asked to end, in a restart and at the end of the tests. */
  readonly signals: { readonly stop: NodeJS.Signals; readonly dispose: NodeJS.Signals };
  accepts(): Promise<boolean>;
}

/**
 * Starts a server, and ends it with this process.
 *
 * @throws {Error} with its output when it does not start.
 */
export async function startLocalServer(settings: LocalServerSettings): Promise<LocalServer> {
  const { name, url, port, command, args, folder, user, signals, accepts } = settings;
  let server: ChildProcess | undefined;
  let log = '';

  const attempt = async (): Promise<boolean> => {
    const child = spawn(command, args, { ...user, cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    server = child;
    for (const output of [child.stdout, child.stderr]) {
      output?.on('data', (text) => {
        log = (log + text).slice(-4_000);
      });
      // It must not keep this process alive.
      (output as unknown as { unref?: () => void } | null)?.unref?.();
    }
    child.on('error', (error) => {
      log = error.message;
    });
    child.unref();
    const until = performance.now() + START_MS;
    while (performance.now() < until && child.exitCode === null && child.signalCode === null) {
      if (await accepts()) return true;
      await sleep(20);
    }
    return false;
  };

  const start = async () => {
    const until = performance.now() + START_MS;
    // After a kill, the old processes may hold the shared memory or the port for a moment.
    while (!(await attempt())) {
      if (performance.now() > until) throw new Error(`${name} does not start:\n${log}`);
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
    if (server?.pid !== undefined) signalProcess(server.pid, signals.dispose);
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', onExit);

  await start();
  return {
    url,
    port,
    kill: () => end('SIGKILL'),
    start,
    stop: () => end(signals.stop),
    async [Symbol.asyncDispose]() {
      await end(signals.dispose);
      process.removeListener('exit', onExit);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Has characters that a URL encodes, and is easy to find where it must not be. */
export const PASSWORD = 'hunter2/sesame';

export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
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

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
