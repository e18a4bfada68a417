import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Creates a file and its folder, accessible only by their owner, unless they exist. SQLite gives the
 * same permissions to the files that it creates next to it.
 *
 * @returns Whether the file was created.
 */
export function createPrivateFile(file: string): boolean {
  const directory = dirname(file);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  try {
    closeSync(openSync(file, 'ax', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  // A new file survives a crash only once its folder is flushed, which Windows does not offer.
  if (process.platform !== 'win32') {
    const descriptor = openSync(directory, 'r');
    fsyncSync(descriptor);
    closeSync(descriptor);
  }
  return true;
}
