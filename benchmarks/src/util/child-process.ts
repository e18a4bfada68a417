import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Runs a module, named by its path in `src`, in a new process. Returns the JSON value it prints last. */
export async function inChild<T>(
  module: string,
  args: readonly unknown[],
  flags: readonly string[] = [],
): Promise<T> {
  const file = new URL(`../${module}.js`, import.meta.url).pathname;
  const heap = '--max-old-space-size=8192';
  const command = [heap, ...flags, file, ...args.map((arg) => JSON.stringify(arg))];
  const { stdout } = await promisify(execFile)(process.execPath, command, { maxBuffer: 2 ** 24 });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? 'null');
}

/** Runs a module that may kill its own process. */
export async function killedChild(module: string, args: readonly unknown[]): Promise<void> {
  await inChild(module, args).catch((error: { signal?: string }) => {
    if (error.signal !== 'SIGKILL') throw error;
  });
}

/** The arguments passed to `inChild`. */
export function childArguments(): unknown[] {
  return process.argv.slice(2).map((arg) => JSON.parse(arg));
}
