import { randomUUID } from 'node:crypto';
import { lstat, mkdir, open, realpath, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { OptionError, type OutputFiles } from '@stratagem/core';
import { savePathProblem } from '@stratagem/core/runner';

/**
 * Saves the outputs of tasks in a folder, which is made when the first one is saved. A file is replaced as
 * a whole, or not at all, and is on the disk before its task is complete. No path leaves the folder: not by
 * `..`, not by an absolute path, and not through a symbolic link inside it.
 *
 * @throws {OptionError} when the folder is not named.
 *
 * @example
 * const executor = createExecutor({ strategy: parallel(), files: outputFolder('reports') });
 * await executor.execute(createPlan('Notes').addTask({ id: 'a', run: () => 'Hello', save: 'a.md' }));
 */
export function outputFolder(folder: string): OutputFiles {
  if (typeof folder !== 'string' || folder.trim() === '') {
    throw new OptionError('outputFolder() needs the path of a folder');
  }
  // A program may change its directory while a run is under way.
  const root = resolve(folder);
  return {
    async write(path, content) {
      const problem = savePathProblem(path);
      if (problem !== undefined) throw new Error(`the path ${JSON.stringify(path)} ${problem}`);
      const names = path.split('/');
      const name = names.pop() as string;
      const parent = await openFolder(root, names);
      const target = join(parent, name);
      const about = await lstat(target).catch(() => undefined);
      if (about !== undefined && !about.isFile()) {
        throw new Error(`${target} is ${about.isDirectory() ? 'a directory' : 'not a plain file'}`);
      }
      await replace(parent, target, content);
    },
  };
}

/** Makes the folders of a path, and follows no link on the way. */
async function openFolder(root: string, names: readonly string[]): Promise<string> {
  await mkdir(root, { recursive: true });
  // The folder itself may be a link: its owner chose it.
  let current = await realpath(root);
  for (const name of names) {
    current = join(current, name);
    await mkdir(current).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    const about = await lstat(current);
    if (about.isSymbolicLink()) {
      throw new Error(`${current} is a symbolic link, which could lead out of the folder`);
    }
    if (!about.isDirectory()) throw new Error(`${current} is not a directory`);
  }
  return current;
}

/** Readers see the old file or the new one, also after a power failure. */
async function replace(
  folder: string,
  target: string,
  content: string | Uint8Array,
): Promise<void> {
  const temporary = join(folder, `.${randomUUID()}.tmp`);
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
  await syncFolder(folder);
}

/** Makes the name of a new file durable; not every system can. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // Windows opens no folders.
  }
}
