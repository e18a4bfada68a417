/** The lock of a file, or the process that has it. */
export type FileLock =
  | { readonly holder: undefined; release(): Promise<void> }
  | { readonly holder: number };

/** The locks of this process, also those of other copies of this module. */
const HELD = Symbol.for('stratagem.locks');

function heldLocks(): Set<string> {
  const all = globalThis as { [HELD]?: Set<string> };
  all[HELD] ??= new Set();
  return all[HELD];
}

/**
 * Locks a file by a second one beside it, with `.lock` at the end of its name and the id of this process in it. The lock
 * of a process that has died is taken over. It ends with this process at the latest.
 *
 * Rejects with the error of the system when the folder cannot be written.
 */
export async function lockFile(file: string): Promise<FileLock> {
  const { readFile, rm, writeFile } = await import('node:fs/promises');
  const { unlinkSync } = await import('node:fs');
  const { resolve } = await import('node:path');
  const path = resolve(`${file}.lock`);
  const held = heldLocks();
  for (let tries = 0; ; tries++) {
    try {
      await writeFile(path, String(process.pid), { flag: 'wx', mode: 0o600 });
      break;
    } catch (error) {
      if ((error as { code?: string }).code !== 'EEXIST' || tries > 2) throw error;
      const holder = Number(await readFile(path, 'utf8').catch(() => ''));
      // A container gives a process the id of the one before: then nobody has this lock.
      const isOld = holder === process.pid && !held.has(path);
      if (isAlive(holder) && !isOld) return { holder };
      await rm(path, { force: true });
    }
  }
  held.add(path);
  const unlock = () => {
    held.delete(path);
    try {
      unlinkSync(path);
    } catch {
      // The lock no longer exists.
    }
  };
  process.once('exit', unlock);
  return {
    holder: undefined,
    async release() {
      process.removeListener('exit', unlock);
      unlock();
    },
  };
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM';
  }
}
