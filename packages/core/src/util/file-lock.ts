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
 * of a process that has died is taken over. It ends with this process at the latest. Processes of other machines, and
 * of other containers, are not known.
 *
 * Rejects with the error of the system when the folder cannot be written.
 */
export async function lockFile(file: string): Promise<FileLock> {
  const { realpath } = await import('node:fs/promises');
  const { readFileSync, unlinkSync } = await import('node:fs');
  const { basename, dirname, join, resolve } = await import('node:path');
  const whole = resolve(`${file}.lock`);
  // A folder may have several names.
  const path = join(await realpath(dirname(whole)), basename(whole));
  const held = heldLocks();
  if (held.has(path)) return { holder: process.pid };
  // At once: until the file is there, this process may ask again.
  held.add(path);
  try {
    const holder = await acquire(path);
    if (holder !== undefined) {
      held.delete(path);
      return { holder };
    }
  } catch (error) {
    held.delete(path);
    throw error;
  }
  const unlock = () => {
    held.delete(path);
    try {
      // Somebody may have removed it, and another process may have this lock now.
      if (readFileSync(path, 'utf8') === String(process.pid)) unlinkSync(path);
    } catch {
      // The lock no longer exists.
    }
  };
  if (unlocks.size === 0) process.once('exit', unlockAll);
  unlocks.add(unlock);
  return {
    holder: undefined,
    async release() {
      // Only once: somebody else of this process may have the next lock.
      if (!unlocks.delete(unlock)) return;
      if (unlocks.size === 0) process.removeListener('exit', unlockAll);
      unlock();
    },
  };
}

/** One listener for all locks: Node.js warns of more than ten. */
const unlocks = new Set<() => void>();

function unlockAll(): void {
  for (const unlock of unlocks) unlock();
}

/** Returns the process that has the lock; undefined when it is this one from now on. */
async function acquire(path: string): Promise<number | undefined> {
  const { readFile, rename, rm } = await import('node:fs/promises');
  for (let tries = 0; ; tries++) {
    try {
      await create(path);
      return undefined;
    } catch (error) {
      if ((error as { code?: string }).code !== 'EEXIST' || tries > 9) throw error;
    }
    const text = await readFile(path, 'utf8').catch(() => undefined);
    // It was released in this moment.
    if (text === undefined) continue;
    const holder = Number(text);
    // A container gives a process the id of the one before: then nobody has this lock.
    if (isAlive(holder) && holder !== process.pid) return holder;
    // Two processes may take over at once. Only one of them can rename the file.
    const aside = ownName(path);
    await rename(path, aside).catch(() => {});
    const found = await readFile(aside, 'utf8').catch(() => undefined);
    // The other one was faster, and this was its new lock.
    if (found !== undefined && found !== text) await giveBack(aside, path);
    await rm(aside, { force: true });
  }
}

/**
 * Creates a lock with its content at once: a lock without content would look like one that nobody has.
 *
 * Rejects with `EEXIST` when there is one.
 */
async function create(path: string): Promise<void> {
  const { link, rm, writeFile } = await import('node:fs/promises');
  const draft = ownName(path);
  await writeFile(draft, String(process.pid), { flag: 'wx', mode: 0o600 });
  try {
    await link(draft, path);
  } catch (error) {
    if ((error as { code?: string }).code === 'EEXIST') throw error;
    // This file system has no links.
    await writeFile(path, String(process.pid), { flag: 'wx', mode: 0o600 });
  } finally {
    await rm(draft, { force: true });
  }
}

async function giveBack(aside: string, path: string): Promise<void> {
  const { link } = await import('node:fs/promises');
  await link(aside, path).catch(() => {});
}

let drafts = 0;

/** A name that no other process uses, and no other call in this one. */
function ownName(path: string): string {
  return `${path}.${process.pid}.${drafts++}`;
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
