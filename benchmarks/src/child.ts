import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Runs a module of this folder in a process of its own; it prints one JSON value, which is given. */
export async function inChild<T>(
  module: string,
  args: readonly unknown[],
  flags: readonly string[] = [],
): Promise<T> {
  const file = new URL(`./${module}.js`, import.meta.url).pathname;
  const heap = '--max-old-space-size=8192';
  const command = [heap, ...flags, file, ...args.map((arg) => JSON.stringify(arg))];
  const { stdout } = await promisify(execFile)(process.execPath, command, { maxBuffer: 2 ** 24 });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? 'null');
}

/** The same for one that may kill itself; whatever it prints is of no interest. */
export async function killedChild(module: string, args: readonly unknown[]): Promise<void> {
  await inChild(module, args).catch((error: { signal?: string }) => {
    if (error.signal !== 'SIGKILL') throw error;
  });
}

/** The arguments that `inChild` was given. */
export function childArguments(): unknown[] {
  return process.argv.slice(2).map((arg) => JSON.parse(arg));
}
