import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { here, type StratagemOptions } from './here.js';

export type { StratagemOptions } from './here.js';

const BIN = fileURLToPath(new URL('../bin/stratagem.js', import.meta.url));

/** The exit and the output of a command. */
interface Ended {
  /** `null` when a signal ended the process. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running command; `await ended` for its output. */
export interface Started {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ended>;
  /** What it has printed so far. */
  readonly printed: { readonly stdout: string; readonly stderr: string };
  /** Resolves when standard error contains this; rejects if the command ends before. */
  progress(shows: string | RegExp): Promise<void>;
  /** The same of standard output. */
  shows(text: string | RegExp): Promise<void>;
}

/** Starts the built command line in its own process. */
export function start(args: readonly string[], options: StratagemOptions = {}): Started {
  const { stdin = '', env = {}, cwd } = options;
  const child = spawn(process.execPath, [BIN, ...args], {
    stdio: 'pipe',
    env: { PATH: process.env.PATH, ...env },
    ...(cwd !== undefined && { cwd }),
  });
  // A command may exit without reading its input, which closes the pipe.
  child.stdin.on('error', () => {});
  child.stdin.end(stdin);

  const printed = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      printed[name] += chunk;
    });
  }
  const ended = once(child, 'close').then(([exitCode, signal]) => ({
    exitCode,
    signal,
    ...printed,
  }));
  const until = (name: 'stdout' | 'stderr', shows: string | RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (printed[name].search(shows) >= 0) resolve();
      };
      look();
      child[name].on('data', look);
      child.once('close', () => {
        reject(new Error(`ended before it showed ${shows}:\n${printed.stdout}${printed.stderr}`));
      });
    });
  return {
    child,
    ended,
    printed,
    progress: (shows) => until('stderr', shows),
    shows: (text) => until('stdout', text),
  };
}

/** Runs a command in this process. Tests of signals, pipes and the process itself use `start`. */
export const stratagem = here;

/** Creates a directory with these files; use it with `await using`. */
export async function folder(files: Readonly<Record<string, string | Uint8Array>>) {
  const path = await mkdtemp(join(tmpdir(), 'stratagem-'));
  const add = (name: string, content: string | Uint8Array) => writeFile(join(path, name), content);
  for (const [name, content] of Object.entries(files)) await add(name, content);
  return {
    path,
    add,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}
